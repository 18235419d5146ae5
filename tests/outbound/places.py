"""Places of secrets: the text that a shell, a driver, a config file or a person puts around one.

``@@`` is the secret followed by an at sign, ``@`` the secret.
"""

from __future__ import annotations

WORD, LETTERS, PHRASE, SYMBOLS = "hunter2pass", "swordfish", "correct horse battery staple", "p@ss:w/rd#1!&x"

WORDS = r"""
password=@
Password: @
PASSWORD='@'
passwd=@;
pwd=@&x=1
user=bob&password=@&x=1
DB_PASS=@
db.pass=@
spring.datasource.password=@
--db-password=@
--db-password @
-Dpassword=@ -jar
mysql://root:@@localhost/db
redis://default:@@h:6379
redis://:@@h
ftp://u:@@ftp.x/
smtp://a%40b.com:@@smtp.x:587
ldap://cn=admin,dc=x:@@ldap
jdbc:mysql://h/db?user=root&password=@
jdbc:postgresql://h/db?password=@&ssl=true
jdbc:oracle:thin:scott/@@//h:1521/x
postgresql+asyncpg://u:@@h/d
amqps://u:@@h/v
mongodb://u:@@h1:27017,h2:27017/d
nats://u:@@h:4222
kafka sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="@";
echo @ | sudo -S ls
sudo -S <<< @ ls
PGPASSWORD=@ psql
MYSQL_PWD=@ mysqldump
curl -u bob:@ https://x
curl -ubob:@ https://x
curl --user=bob:@ x
wget --http-password=@ x
wget --user=x --password=@ u
http -a bob:@ get
sshpass -p @ ssh
sshpass -p'@' ssh
mysql -u root -p@
mysql -uroot -p'@' db
mysqladmin -p@ x
docker login -u a -p @
docker login --username a --password @
az login -u a -p @
psql "host=h password=@"
zip -P @ a.zip
7z x -p@ a.7z
unzip -P @ a
openssl enc -k @ -in x
openssl enc -pass pass:@ -in x
gpg --passphrase @ -d x
gpg --batch --passphrase '@' x
keytool -storepass @ -list
ansible -e ansible_password=@ x
ansible-playbook --extra-vars 'db_password=@'
sqlcmd -S h -U sa -P @
sqlplus scott/@@orcl
mongo -u a -p @ h
redis-cli -a @
ldapsearch -w @ -x
smbclient //a/b -U u%@
net use x: \\s\s @ /user:bob
rclone config password=@
htpasswd -bc f u @
set DB_PASSWORD=@
export DB_PASSWORD="@"
ENV DB_PASSWORD @
$env:DB_PASSWORD = '@'
setx API_TOKEN @
{"password":"@"}
{'password': '@'}
{password: '@'}
{"Password" : "@"}
["password","@"]
('password', '@')
:password => '@'
<password>@</password>
<Password Type="x">@</Password>
password: "@"
password: @ # comment
  password: @
- password: @
password := "@"
password -> @
let password = "@";
const PASSWORD = '@'
password='@',
password="@" is wrong
f(password='@')
connect(user='u', password='@')
dict(password='@')
login(u, password=@)
user:bob password:@
with password @
password @ rejected
password '@' rejected
using password '@'
Password is @
Passwort: @
mot de passe: @
contraseña: @
senha: @
пароль: @
密码: @
userPassword=@
PasswordHash=@
root_password=@
password2=@
pass_phrase: @
passphrase=@
passcode=@
mypassword=@
dbpassword=@
DATABASE_PASSWORD_PROD=@
Password=@;Database=x
Pwd=@;
User Id=sa;Password=@;
uid=sa;pwd=@
Server=h;Database=d;User Id=u;Password=@
machine h login u password @
h:5432:db:u:@
AUTH @
AUTH default @
CONFIG SET requirepass @
requirepass @
IDENTIFIED BY '@'
ALTER USER u PASSWORD '@'
ALTER USER u WITH PASSWORD '@'
CREATE ROLE u LOGIN PASSWORD '@'
secret=@
client_secret=@
clientSecret: '@'
client-secret: @
AppSecret=@
app_secret=@
shared_secret=@
webhook_secret=@
SECRET_KEY = '@'
SECRET_KEY=@
secretKey: @
session_secret: @
cookie_secret=@
cookieSecret=@
JWT_SECRET=@
secrets.token=@
x-secret: @
X-Auth-Key: @
X-Auth-Token: @
api-key: @
apikey=@
api_key=@
apiKey=@
apikey: @
Api-Key: @
APIKEY=@
X-API-KEY: @
x-apikey: @
access_key=@
accessKey=@
access_token=@
accessToken: "@"
refresh_token=@
id_token=@
auth_token=@
authToken=@
token=@
Token: @
csrf_token=@
private_key=@
encryption_key=@
signing_key=@
master_key=@
license_key=@
account_key=@
storage_key=@
TF_VAR_db_password=@
NPM_TOKEN=@
GH_TOKEN=@
//npm.x/:_password=@
_auth=@
npm config set //r/:_authToken @
credentials=@
credential: @
creds=u:@
auth=u:@
auth: @
Authorization: @
Authorization=@
authorization: Custom @
Authorization: Basic @
Authorization: ApiKey @
Authorization: Key @
Authorization: MAC id="x", mac="@"
-H 'X-Token: @'
-H "Cookie: s=@"
Cookie: a=b; c=@
Set-Cookie: a=@; Path=/
cookie: '@=1'
JSESSIONID=@
PHPSESSID=@
sessionid=@
connect.sid=@
session_token=@
sid=@
otp=@
https://@@host/x
https://x.y/z?token=@
https://x.y/z?api_key=@&a=b
https://x.y/z?a=b&sig=@
https://x.y/z?X-Amz-Signature=@
https://x.y/z?auth=@
https://x.y/z?password=@
https://x.y/z?pwd=@
https://x.y/z?apikey=@
https://x.y/z#token=@
https://x.y/z?access_token=@
https://x.y/z?signature=@
https://x.y/z?Signature=@&Expires=1
https://x.y/z?jwt=@
https://x.y/z?client_secret=@
wss://x.y/z?token=@
token @@ x
bearer @xyz12345
Bearer @xyz12345
basic @xyz12345=
DSN=@
sentry_dsn: https://@@o1.ingest/1
aws_secret_access_key = @
aws_session_token=@
AccountKey=@==;
SharedAccessKey=@=
SharedAccessSignature=sv=1&sig=@
EndpointSuffix=x;AccountKey=@
"""

PHRASES = r"""
password="@"
password: "@"
{"password": "@"}
passphrase: @
PASSPHRASE='@'
--passphrase '@'
gpg --passphrase "@"
Pwd=@;
Password=@;Encrypt=1
password: '@'
{\"password\":\"@\"}
mnemonic: "@"
seed_phrase="@"
secret = "@"
<password>@</password>
Authorization: @
password: @
password is "@"
password: |\n  @\n  more\n
password: >-\n    @\n
"""

ALL_LETTERS = r"""
password=@
password: @
{"password":"@"}
DB_PASS=@
--password @
--password=@
redis://:@@h
mysql -p@
curl -u bob:@ x
sshpass -p @ ssh
Pwd=@;
<password>@</password>
password '@'
docker login -p @ x
secret=@
API_KEY=@
token=@
IDENTIFIED BY '@'
PGPASSWORD=@ psql
"""

OF_SYMBOLS = r"""
password="@"
DB_PASS='@'
postgres://u:@@h/d
{"password":"@"}
--password '@'
curl -u 'bob:@' x
Pwd=@;
password: @
"""


def _texts(places: str, secret: str) -> list[tuple[str, str]]:
    lines = [line.replace("\\n", "\n") for line in places.strip().split("\n")]
    return [
        (line.replace("@@", "\0").replace("@", secret).replace("\0", f"{secret}@"), secret) for line in lines
    ]


PLACES = [
    *_texts(WORDS, WORD),
    *_texts(PHRASES, PHRASE),
    *_texts(ALL_LETTERS, LETTERS),
    *_texts(OF_SYMBOLS, SYMBOLS),
]
"""Texts with the secret in each."""
