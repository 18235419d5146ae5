"""Secrets of many shapes, made at run time: no scanner of this repository finds one in the source.

Formats are those that the vendors publish and the public scanners know. A `Shape` makes a text and says which
parts of it are secret.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

LOWER, UPPER, DIGITS = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
ALPHABETS = {
    "w": LOWER + UPPER + DIGITS,
    "u": LOWER + UPPER + DIGITS + "_-",
    "h": DIGITS + "abcdef",
    "H": DIGITS + "ABCDEF",
    "l": LOWER + DIGITS,
    "c": UPPER + DIGITS,
    "C": UPPER + "234567",
    "b": LOWER + UPPER + DIGITS + "+/",
    "a": LOWER + UPPER,
    "d": DIGITS,
    "k": "qpzry9x8gf2tvdw0s3jn54khce6mua7l".upper(),
}


@dataclass(frozen=True)
class Shape:
    """`make` gives a text, and the secrets in it."""

    name: str
    make: Callable[[Random], tuple[str, list[str]]]


def filled(random: Random, form: str) -> str:
    """`form` with ``{w20}`` replaced by twenty characters of the alphabet w."""
    out, rest = "", form
    while "{" in rest:
        before, _, rest = rest.partition("{")
        kind, _, rest = rest.partition("}")
        out += before + "".join(random.choice(ALPHABETS[kind[0]]) for _ in range(int(kind[1:])))
    return out + rest


# name, what is said around it ("@" is the secret), form of the secret
_UUID = "{h8}-{h4}-{h4}-{h4}-{h12}"
TOKENS = (
    """
github-classic ghp _{w36}
github-oauth gho _{w36}
github-user ghu _{w36}
github-server ghs _{w36}
github-refresh ghr _{w76}
github-fine github _pat_{w22}_{w59}
gitlab-pat glpat -{u20}
gitlab-routable glpat -{u27}.01.{l9}
gitlab-deploy gldt -{u20}
gitlab-runner glrt -{u20}
gitlab-job glcbt -{w2}_{u20}
gitlab-trigger glptt -{h40}
gitlab-feed glft -{u20}
gitlab-mail glimt -{l25}
gitlab-agent glagent -{u50}
gitlab-oauth gloas -{h64}
gitlab-scim glsoat -{u20}
gitlab-registration GR13 48941{u20}
one-cli-live sk _live_1_{u43}
one-cli-test sk _test_1_{w24}_{w24}
anthropic sk -ant-api03-{u93}AA
anthropic-admin sk -ant-admin01-{u93}AA
openai-project sk -proj-{u74}T3BlbkFJ{u74}
openai-legacy sk -{w20}T3BlbkFJ{w20}
openai-service sk -svcacct-{u58}T3BlbkFJ{u58}
openrouter sk -or-v1-{h64}
deepseek sk -{h32}
langfuse sk -lf-"""
    + _UUID
    + """
groq gsk _{w52}
xai xai -{w80}
perplexity pplx -{w48}
fireworks fw _{w24}
together tgp _v1_{u43}
replicate r8 _{w37}
hugging-face hf _{a34}
hugging-face-org api _org_{a34}
nvidia nvapi -{u64}
jina jina _{h32}{u28}
tavily tvly -dev-{w32}
firecrawl fc -{h32}
pinecone pcsk _{w6}_{w63}
langsmith lsv2 _pt_{h32}_{h10}
elevenlabs sk _{h48}
cohere-co co _{w40}
aws-access-key AKIA {C16}
aws-session-key ASIA {C16}
aws-bedrock ABSK {b120}=
google-api AIza {u35}
google-oauth ya29 .a0{u120}
google-client GOCSPX -{u28}
google-refresh 1// 0{u60}
digitalocean-pat dop _v1_{h64}
digitalocean-oauth doo _v1_{h64}
vault-service hvs .{u95}
vault-batch hvb .{u140}
vault-legacy s. a9Z{w21}
stripe-secret sk _live_{w24}
stripe-restricted rk _live_{w99}
stripe-test sk _test_{w24}
stripe-webhook whsec _{b32}
stripe-intent pi _{w24}_secret_{w25}
npm npm _{w36}
pypi pypi -AgEIcHlwaS5vcmc{u120}
rubygems rubygems _{h48}
clojars CLOJARS _{l60}
nuget oy2 {l43}
crates cio {w32}
shopify shpat _{h32}
shopify-custom shpca _{h32}
shopify-private shppa _{h32}
shopify-shared shpss _{h32}
square-access sq0 atp-{u22}
square-secret sq0 csp-{u43}
square-live EAAA {u60}
facebook EAAC Ed{w150}
sendgrid SG .{u22}.{u43}
mailgun key -{h32}
mailgun-signing {h32} -{h8}-{h8}
mailchimp {h32} -us14
brevo xkeysib -{h64}-{w16}
mailersend mlsn .{h64}
resend re _{w8}_{w24}
slack-bot xoxb -{d12}-{d13}-{w24}
slack-user xoxp -{d12}-{d12}-{d13}-{h32}
slack-app xapp -1-A{c10}-{d13}-{h64}
slack-refresh xoxe -1-{w146}
slack-config xoxe .xoxp-1-{w163}
slack-cookie xoxd -{w60}%2B{w20}%3D
atlassian ATATT3 xFfGF0{u180}={H8}
bitbucket-app ATBB {w32}
bitbucket-dc BBDC -{b44}
linear lin _api_{w40}
linear-oauth lin _oauth_{h64}
notion ntn _{d11}{w35}
notion-legacy secret _{w43}
figma figd _{u43}
hubspot pat -na1-"""
    + _UUID
    + """
docker dckr _pat_{u27}
docker-org dckr _oat_{u32}
supabase-pat sbp _{h40}
supabase-secret sb _secret_{u22}_{u8}
vercel vcp _{w56}
vercel-old vercel _{w24}
netlify nfp _{w40}
render rnd _{w28}
fly FlyV1 %20fm2_{b120}
fly-bare fm2 _{b140}=
postman PMAK -{h24}-{h34}
posthog phx _{w43}
posthog-project phc _{w43}
sentry-org sntrys _eyJpYXQiOj{w80}_{b43}
sentry-user sntryu _{h64}
dynatrace dt0c01 .{c24}.{c64}
newrelic-user NRAK -{c27}
newrelic-insert NRII -{u32}
newrelic-license {h32} FFFFNRAL
grafana-service glsa _{w32}_{h8}
grafana-cloud glc _eyJ{b80}=
grafana-old eyJr Ijoi{w80}
age AGE -SECRET-KEY-1{k58}
easypost EZAK {w54}
shippo shippo _live_{h40}
duffel duffel _live_{u43}
lob live _{h35}
telegram {d9} :AA{u33}
discord M{w25} .{u6}.{u38}
discord-mfa mfa .{u84}
twilio-key SK {h32}
twilio-account AC {h32}
heroku HRKU -AA{u58}
doppler dp .pt.{w43}
doppler-service dp .st.prd.{w43}
databricks dapi {h32}
contentful CFPAT -{u43}
circleci CCIPAT _{w22}_{h40}
cloudflare-user cfut _{w40}{h8}
cloudflare-origin v1 .0-{h24}-{h146}
airtable pat {w14}.{h64}
asana 2/ {d16}/{d16}:{h32}
planetscale pscale _tkn_{u43}
planetscale-password pscale _pw_{u43}
pulumi pul -{h40}
prefect pnu _{w36}
readme rdme _{l70}
sourcegraph sgp _{h16}_{h40}
sonar squ _{h40}
terraform {w14} .atlasv1.{u67}
tailscale tskey -auth-{w17}-{w32}
typeform tfp _{u40}_{w18}
scalingo tk -us-{u48}
frameio fio -u-{u64}
onepassword-service ops _eyJ{b260}
onepassword-key A3 -{c6}-{c11}-{c5}-{c5}-{c5}
buildkite bkua _{l40}
bitbucket-pipelines bb _pr_{h30}
apify apify _api_{w36}
adafruit aio _{w28}
alchemy alcht _{w30}
flutterwave FLWSECK -{l32}-X
razorpay rzp _live_{w14}
paystack sk _live_{h40}
braintree access _token$production${l16}${h32}
plaid access -production-"""
    + _UUID
    + """
square-sandbox sandbox -sq0atp-{u22}
amazon-mws amzn .mws."""
    + _UUID
    + """
openshift sha256 ~{u43}
azure-ad {w3} 8Q~{u34}
azure-cosmos {b76} ACDb{w6}==
azure-registry {b42} +ACR{w6}
artifactory AKCp {w69}
artifactory-reference cmVmd GtuOj{w56}
octopus API -{c32}
alibaba LTAI {w20}
yandex AQVN {u36}
salesforce 00D {w12}!AQ{w90}
zoho 1000 .{h32}.{h32}
mapbox sk .eyJ{w70}.{u22}
maxmind {w6} _{w29}_mmk
traces trk _{h32}
workos sk _{b40}
clerk sk _live_{w42}
launchdarkly sdk -"""
    + _UUID
    + """
pubnub sec -c-{l48}
firebase {w22} :APA91b{u134}
bcrypt $2b $12${w53}
argon $argon2id $v=19$m=65536,t=3,p=4${b22}${b43}
bip32 xprv 9s21Zr{w100}
infisical st. {h24}
"""
)


def _token(name: str, prefix: str, rest: str) -> Shape:
    def make(random: Random) -> tuple[str, list[str]]:
        secret = filled(random, prefix + rest)
        frame = random.choice(FRAMES)
        return frame.replace("@", secret), [secret]

    return Shape(name, make)


FRAMES = (
    "request failed with @ at step 3",
    "401 Unauthorized: the key @ was revoked",
    "Error: bad credentials (@)\n    at Client.request (/app/node_modules/client/index.js:10:5)",
    "@",
    '{"error":{"message":"Invalid API key: @","type":"invalid_request_error"}}',
    "login with @: denied",
    "fetch https://api.example.com/v1/items -> 403, sent '@'.",
)
_PEM_KINDS = ("RSA ", "EC ", "DSA ", "OPENSSH ", "", "ENCRYPTED ")


def _lines(random: Random, count: int) -> list[str]:
    return [filled(random, "{b64}") for _ in range(count)] + [filled(random, "{b30}==")]


def _pem(kind: str, head: bool, tail: bool) -> Callable[[Random], tuple[str, list[str]]]:
    def make(random: Random) -> tuple[str, list[str]]:
        lines = _lines(random, 5)
        lines[0] = "MIIE" + lines[0][4:]
        block = [
            *([f"-----BEGIN {kind}PRIVATE KEY-----"] if head else []),
            *lines,
            *([f"-----END {kind}PRIVATE KEY-----"] if tail else []),
        ]
        return "cannot parse key:\n" + "\n".join(block) + "\n", lines

    return make


def _pgp(random: Random) -> tuple[str, list[str]]:
    lines = _lines(random, 4)
    kind = "PGP PRIVATE KEY BLOCK"
    return f"-----BEGIN {kind}-----\nVersion: GnuPG v2\n\n" + "\n".join(
        lines
    ) + f"\n=aB3d\n-----END {kind}-----", lines


def _jwt(random: Random) -> tuple[str, list[str]]:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    parts = [
        part({"alg": "HS256", "typ": "JWT"}),
        part({"sub": filled(random, "{w12}"), "iat": 1516239022}),
        filled(random, "{u43}"),
    ]
    return f"jwt expired: {'.'.join(parts)}", parts


def _jwe(random: Random) -> tuple[str, list[str]]:
    head = (
        base64.urlsafe_b64encode(json.dumps({"alg": "RSA-OAEP", "enc": "A256GCM"}).encode())
        .decode()
        .rstrip("=")
    )
    parts = [head, *(filled(random, f"{{u{size}}}") for size in (342, 16, 63, 22))]
    return f"cannot decrypt {'.'.join(parts)}", parts


def _basic(random: Random) -> tuple[str, list[str]]:
    password = filled(random, "{w12}")
    pair = base64.b64encode(f"deploy:{password}".encode()).decode()
    return f"> GET /v1 HTTP/1.1\n> Host: example.com\n> Authorization: Basic {pair}\n> Accept: */*", [
        pair,
        password,
    ]


def _docker(random: Random) -> tuple[str, list[str]]:
    password = filled(random, "{w16}")
    pair = base64.b64encode(f"robot:{password}".encode()).decode()
    return f'cannot read config: {{"auths": {{"registry.example.com": {{"auth": "{pair}"}}}}}}', [
        pair,
        password,
    ]


def _kubernetes(random: Random) -> tuple[str, list[str]]:
    hidden = filled(random, "{w20}")
    data = base64.b64encode(hidden.encode()).decode()
    return (
        f"error validating data:\napiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  settings.json: {data}\n  url: {data}\n",
        [data, hidden],
    )


# What is said, with {…} for the secret part: the first form is the secret.
STANDING = r"""
url-password|postgres://admin:{w12}@db.internal:5432/app refused
url-no-user|redis://:{w12}@cache:6379/0: NOAUTH
url-token|fatal: unable to access 'https://{w40}@git.example.com/o/r.git/': 403
url-token-oauth|Cloning https://{w36}:x-oauth-basic@git.example.com/o/r
url-user-token|https://oauth2:{u24}@gitlab.example.com/o/r.git
url-slash|amqp://svc:{w6}/{w8}@mq.internal/vhost
url-mongo|mongodb+srv://app:{w14}@cluster0.ab1cd.mongodb.net/?retryWrites=true
url-sentry-dsn|invalid dsn https://{h32}@o12345.ingest.sentry.io/67
query-sig|GET https://x.blob.core.windows.net/c/b?sv=2022-11-02&sr=b&sig={b43} 403
query-aws|https://b.s3.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=60&X-Amz-Signature={h64}
query-aws-token|https://b.s3.amazonaws.com/k?X-Amz-Security-Token={w120}&X-Amz-Expires=60
query-token|https://api.example.com/v1?token={w20}&page=2
query-access|https://api.example.com/v1?page=2&access_token={w32}
query-api-key|http://api.weather.example/data?q=Oslo&appid=1&api_key={h32}
query-key|https://maps.example.com/geocode?address=x&key={w30}
query-code|https://app.example.com/callback?code={w40}&state=xyz
query-secret|https://id.example.com/token?client_id=abc&client_secret={w24}
fragment|https://app.example.com/cb#access_token={w40}&token_type=bearer
bearer|Authorization: Bearer {w40}
bearer-prose|the server refused Bearer {w24} twice
header-token|authorization: Token {h40}
header-plain|Authorization: {w32}
header-digest|Authorization: Digest username="bob", realm="x", nonce="1", response="{h32}"
header-aws|Authorization: AWS4-HMAC-SHA256 Credential=x/20240101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature={h64}
header-proxy|Proxy-Authorization: Basic {b20}==
header-custom|Authorization: GenieKey {h36}
header-api|X-Api-Key: {w32}
header-amz|X-Amz-Security-Token: {b80}==
header-vault|X-Vault-Token: {w26}
header-one|x-one-secret: {w32}
header-private|PRIVATE-TOKEN: {w20}
header-functions|x-functions-key: {b54}==
header-apim|Ocp-Apim-Subscription-Key: {h32}
header-list|rawHeaders: [ 'authorization', 'Bearer {w40}', 'accept', '*/*' ]
cookie|Cookie: theme=dark; session={w32}; cart=1
set-cookie|Set-Cookie: connect.sid=s%3A{w32}.{w43}; Path=/; HttpOnly
second-cookie|cookie: a=1; sid={h32}; _gh_sess={w60}
assign-env|DB_PASS={w10}
assign-env-prefix|export STRIPE_API_KEY={w32}
assign-env-aws|AWS_SECRET_ACCESS_KEY={b40}
assign-pg|PGPASSWORD={w9} psql -h db failed
assign-quoted|password = "{w6} {w5} {w6}"
assign-single|password='{w6} {w5}'
assign-json|{{"user": "bob", "password": "{w12}"}}
assign-json-client|{{"client_id":"a1","client_secret":"{w30}","grant_type":"client_credentials"}}
assign-json-escaped-quote|{{"password": "{w5}\\"{w6}"}}
assign-repr|{{'api_key': '{w24}', 'timeout': 30}}
assign-bytes|headers={{b'x-api-key': b'{w24}'}}
assign-ruby|{{:password=>"{w12}", :host=>"db"}}
assign-yaml|database:\n  host: db\n  password: {w12}\n
assign-yaml-block|private_key: |\n  {w40}\n  {w40}\nname: x\n
assign-ini|[client]\nuser=root\npassword={w10}\n
assign-passphrase|passphrase: {w14}
assign-camel|{{ clientSecret: '{w24}', region: 'eu' }}
assign-auth-token|//packages.example.net/:_authToken={u36}
assign-xml|<add key="SmtpPassword" value="{w12}" />
assign-xml-element|<user>bob</user><password>{w12}</password>
assign-k8s-env|- name: DB_PASSWORD\n  value: {w12}\n
assign-json-pair|{{"name":"API_TOKEN","value":"{w24}"}}
assign-provider-suffix|TOKEN_GITHUB={w30}
connection-ado|Server=tcp:db,1433;User ID=sa;Password={w6} {w6};Encrypt=True;
connection-pwd|Driver={{ODBC}};Server=x;Uid=sa;Pwd={w10};
connection-storage|DefaultEndpointsProtocol=https;AccountName=x;AccountKey={b86}==;EndpointSuffix=core.windows.net
connection-bus|Endpoint=sb://x.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey={b43}=
connection-libpq|host=db port=5432 user=app password={w12} dbname=app
option-space|unknown host: backup --user root --password {w10} --host db
option-equals|deploy --token={w30} --env prod
option-api-key|tool --api-key {w32}
curl-u|curl -u admin:{w10} https://api.example.com
curl-user|curl -sS --user "svc:{w12}" https://api.example.com
curl-header|curl -H "Authorization: token {w30}" https://api.example.com
curl-header-key|curl -H 'X-API-Key: {w24}' https://api.example.com
mysql-p|mysql -uroot -p{w10} -h db app
mysqldump|mysqldump --user=root --password={w10} app
sshpass|sshpass -p {w10} ssh root@host
docker-login|docker login -u bot -p {w20} registry.example.com
redis-cli|redis-cli -h cache -a {w16} PING
smb-user|smbclient //srv/share -U admin%{w10}
netrc|machine api.example.com login bot password {w16}
pgpass|db.internal:5432:app:svc:{w12}
openssl-pass|openssl rsa -in k.pem -passin pass:{w12}
sql-identified|CREATE USER 'app'@'%' IDENTIFIED BY '{w12}'
said-password|the password is {w10}, which db refused
said-token|token {h40} was not accepted
said-openai|Incorrect API key provided: {w6}{w20}. You can find yours at the dashboard
hook-slack|POST https://hooks.slack.com/services/T{c8}/B{c10}/{w24} 404
hook-discord|POST https://discord.com/api/webhooks/{d18}/{u68} 401
hook-teams|https://acme.webhook.office.com/webhookb2/{h8}-{h4}@{h8}/IncomingWebhook/{h32}/{h8}
hook-zapier|https://hooks.zapier.com/hooks/catch/{d7}/{l7}/
hook-ifttt|https://maker.ifttt.com/trigger/done/with/key/{u43}
hook-lark|https://open.feishu.cn/open-apis/bot/v2/hook/{h8}-{h4}-{h4}-{h12}
hook-telegram|https://api.telegram.org/bot{d10}:{u35}/sendMessage 400
hook-infura|wss://mainnet.infura.io/v3/{h32}
jwk|{{"kty":"RSA","n":"abc","e":"AQAB","d":"{u86}"}}
aws-pair|aws configure: {b40} is not valid
escaped-json|body: "{{\\"token\\":\\"{w24}\\"}}"
login-scp|oauth2:{w20}@gitlab.example.com:o/r
list-of-tokens|{{"tokens": ["{w24}", "{w24}"]}}
cursor-like|crsr_{h64} is not valid
stytch|secret-live-{u32}= unauthorized
openweather|https://api.openweathermap.org/data/2.5/weather?q=x&appid={h32}
sumologic|https://endpoint.collection.sumologic.com/receiver/v1/http/{b100}==
loggly|https://logs-01.loggly.com/inputs/{h8}-{h4}-{h4}-{h4}-{h12}/tag/x
gcs-hmac|GOOG1E{c55} rejected
pulumi-config|pulumi config set --secret dbPassword {w12}
signtool|signtool sign /f x.pfx /p {w12} a.exe
curl-cookie|curl -b 'session={w32}' https://x
ssh-cmd|sshpass -e ssh SSHPASS={w12} x
wpa|wpa_passphrase MyNet {w12}
ipsec|: PSK "{w16}"
asp|.ASPXAUTH={H64}
soap|<wsse:Password Type="x">{w12}</wsse:Password>
php-dump|["password"]=>\n  string(12) "{w12}"
sql-set|SET PASSWORD FOR 'bob'@'%' = '{w12}'
sql-insert|INSERT INTO users (name, password) VALUES ('bob', '{w12}')
mongo-shell|db.auth("bob", "{w12}")
smtp-login|334 UGFzc3dvcmQ6\nC: {b20}=
twitch|PASS oauth:{l30} rejected by irc.chat.twitch.tv
b2-key|b2: applicationKey K005{w27} not valid for bucket x
airtable-old|airtable key{w14} revoked, use a PAT
honeycomb|X-Honeycomb-Team: {w22}
honeycomb2|hcaik_{l58} cannot write
dd-app|DD-APPLICATION-KEY: {h40}
pagerduty-oauth|pdus+_0{c7}_{u36} was refused
mandrill|mandrill: key md-{u22} invalid
paypal-token|paypal A21AA{u91} expired
gocardless|gocardless live_{u40} is not active
wandb|wandb login {h40}
modal|modal token set --token-id ak-{w22} --token-secret as-{w22}
runpod|rpa_{c40}{l6} unauthorized
llamacloud|llx-{w48} unauthorized
mem0|m0-{w40} unauthorized
browserbase|bb_live_{w27} unauthorized
bitwarden|bws: 0.{h8}-{h4}-{h4}-{h4}-{h12}.{w30}:{b22}== invalid
ghost|ghost admin key {h24}:{h64} invalid
bundle|BUNDLE_ENTERPRISE__CONTRIBSYS__COM={h8}:{h8}
vault-unseal|Unseal Key 1: {b43}=\nInitial Root Token: hvs.{w24}
ansible-vault|$ANSIBLE_VAULT;1.1;AES256\n{h80}\n{h80}\n
wg-psk|PresharedKey = {b43}=
hadoop|<property><name>javax.jdo.option.ConnectionPassword</name><value>{w12}</value></property>
bindpw|nslcd.conf: bindpw {w12}
snmp|snmpwalk -v3 -u bob -A {w12} -X {w12} host
cisco7|username bob password 7 {H16}
ntlm|Administrator:500:{h32}:{h32}:::
psk|network={{\n ssid="x"\n psk="{w12}"\n}}
lftp|lftp -u bob,{w12} ftp.example.com
ftp-pass|> USER bob\n> PASS {w12}\n530 Login incorrect
imap|a1 LOGIN bob {w12}
nickserv|NICKSERV IDENTIFY {w12}
es-setup|PASSWORD elastic = {w20}
django|django-insecure-{w50} is used by a server
rust-some|Opts {{ user: "bob", password: Some("{w12}") }}
rust-secret|Settings {{ api_token: SecretString("{w20}") }}
ps|ConvertTo-SecureString "{w12}" -AsPlainText -Force
multipart|Content-Disposition: form-data; name="password"\n\n{w12}\n--boundary
ssh-keygen|ssh-keygen -t ed25519 -N {w12} -f k
keychain|security add-generic-password -a bob -s x -w {w12}
expect|expect: send "{w12}\r" at password prompt
chpasswd|echo "bob:{w12}" | chpasswd
netuser|net user bob {w12} /add
putty|plink -ssh -pw {w12} bob@host
freerdp|xfreerdp /v:host /u:bob /p:{w12}
saml|SAMLResponse={b200}%3D&RelayState=x
oauth-code|code_verifier={u43}&grant_type=authorization_code
ovh|X-Ovh-Consumer: {w32}
key-colon|key: AKfycb{u60}
openvpn|auth-user-pass bob {w12}
token-paren|token({w24}) not accepted
kubeadm|kubeadm join 10.0.0.1:6443 --token {l6}.{l16} --discovery-token-ca-cert-hash
wireguard|[Interface]\nPrivateKey = {b43}=\nAddress = 10.0.0.2
k3s|k3s: token K10{h64}::server:{h32} not valid
sanity|sanity token sk{w150} unauthorized
go-struct|cannot dial {{User:bob Password:{w12} Host:db Port:5432}}
pydantic|Input should be a valid dict [type=dict_type, input_value={{'api_key': '{w20}'}}, input_type=str]
ruby|#<Client:0x00007f @api_key="{w20}", @host="x">
totp-uri|otpauth://totp/x:bob?secret={C32}&issuer=x
laravel|APP_KEY=base64:{b43}=
wp|define('AUTH_KEY', '{w64}');
fal|Authorization: Key {h8}-{h4}-{h4}-{h4}-{h12}:{h32}
jenkins|https://admin:11{h32}@jenkins.example.com/job/x 403
"""


def _standing(name: str, message: str) -> Shape:
    def make(random: Random) -> tuple[str, list[str]]:
        secrets: list[str] = []
        out, rest = "", message.replace("\\n", "\n").replace("\\\\", "\\")
        while "{" in rest or "}" in rest:
            before, brace, after = rest.partition("{")
            if "}}" in before or not brace:
                head, _, rest = rest.partition("}}")
                out += head + "}"
                continue
            out += before
            if after.startswith("{"):
                out, rest = out + "{", after[1:]
                continue
            kind, _, rest = after.partition("}")
            secret = filled(random, "{" + kind + "}")
            if kind[0] in "wubl" and not any(c.isdigit() for c in secret):
                secret = secret[:-2] + "7x"
            secrets.append(secret)
            out += secret
        return out + rest, secrets

    return Shape(name, make)


def _all() -> list[Shape]:
    tokens = [_token(*line.split(" ", 2)) for line in TOKENS.strip().split("\n")]
    standing = [_standing(*line.split("|", 1)) for line in STANDING.strip().split("\n")]
    pems = [Shape(f"pem-{kind.strip().lower() or 'pkcs8'}", _pem(kind, True, True)) for kind in _PEM_KINDS]
    cut = [
        Shape("pem-no-tail", _pem("RSA ", True, False)),
        Shape("pem-no-head", _pem("RSA ", False, True)),
        Shape("pem-body", _pem("RSA ", False, False)),
        Shape("pgp", _pgp),
        Shape("jwt", _jwt),
        Shape("jwe", _jwe),
        Shape("basic", _basic),
        Shape("docker-auth", _docker),
        Shape("kubernetes-secret", _kubernetes),
    ]
    return [*tokens, *standing, *pems, *cut]


SHAPES = _all()
