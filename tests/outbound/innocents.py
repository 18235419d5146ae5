"""Error texts without a secret, as programs really print them: none of them may be changed."""

from __future__ import annotations

_LINES = r"""
Step timed out after 120000ms
Step "slow" exceeded timeout of 60ms
ENOENT: no such file or directory, open './data/input.json'
EACCES: permission denied, mkdir '/usr/local/lib/node_modules/one'
EADDRINUSE: address already in use :::3000
connect ECONNREFUSED 127.0.0.1:5432
connect ECONNREFUSED ::1:6379
getaddrinfo ENOTFOUND api.example.com
read ECONNRESET
write EPIPE
socket hang up
Client network socket disconnected before secure TLS connection was established
unable to verify the first certificate
self-signed certificate in certificate chain
certificate has expired
Hostname/IP does not match certificate's altnames: Host: localhost. is not in the cert's altnames: DNS:example.com
Cannot read properties of undefined (reading 'token')
Cannot read properties of null (reading 'password')
Cannot destructure property 'apiKey' of 'undefined' as it is undefined.
Cannot set properties of undefined (setting 'cookie')
token is not defined
ReferenceError: secretKey is not defined
TypeError: tokens.map is not a function
TypeError: this.auth.getToken is not a function
TypeError: Cannot read property 'authorization' of undefined
SyntaxError: Unexpected token } in JSON at position 4
SyntaxError: Unexpected token < in JSON at position 0
SyntaxError: Unexpected token 'o', "not json" is not valid JSON
SyntaxError: Unexpected token '<', "<!DOCTYPE "... is not valid JSON
SyntaxError: Unexpected token: punc (})
SyntaxError: Unexpected token: 'export'
SyntaxError: Invalid or unexpected token
SyntaxError: Unexpected end of JSON input
SyntaxError: missing ) after argument list
Expected ',' or '}' after property value in JSON at position 4096 (line 12 column 3)
Unexpected token: identifier (foo), expected: punctuator
Parse error: unexpected token "else" near line 14
unexpected token `fi'
bash: syntax error near unexpected token `('
password must be at least 8 characters
Password must contain at least one digit and one special character.
The password is required
password: must be at least 8 characters long
password: This field may not be blank.
{"password":["This password is too short. It must contain at least 8 characters."]}
{"errors":{"password":"must be at least 8 characters","email":"is invalid"}}
{"token":"required"}
{"error":"invalid_token","error_description":"The access token expired"}
{"error":"invalid_grant","error_description":"Incorrect username or password."}
{"code":401,"message":"Missing authentication token"}
{"message":"The security token included in the request is expired"}
missing authorization header
Missing Authorization header
Authorization header is missing
Authorization: required
No authorization token was found
jwt malformed
jwt expired
invalid signature
invalid csrf token
CSRF token mismatch
Bearer token is missing
Bearer authentication is required for this endpoint
Basic authentication failed
WWW-Authenticate: Bearer realm="example", error="invalid_token"
WWW-Authenticate: Basic realm="Restricted Area"
Access denied for user 'root'@'localhost' (using password: YES)
Access denied for user 'app'@'10.0.0.5' (using password: NO)
FATAL:  password authentication failed for user "postgres"
ERROR 1045 (28000): Access denied for user 'x'@'localhost' (using password: YES)
psql: error: connection to server at "db" (10.1.2.3), port 5432 failed: FATAL: database "app" does not exist
ORA-01017: invalid username/password; logon denied
Login failed for user 'sa'.
NOAUTH Authentication required.
WRONGPASS invalid username-password pair or user is disabled.
MongoServerError: Authentication failed.
duplicate key value violates unique constraint "users_email_key"
ERROR: duplicate key value violates unique constraint "orders_pkey" DETAIL: Key (id)=(42) already exists.
SQLITE_CONSTRAINT: UNIQUE constraint failed: users.api_key
ERROR: column "password_hash" of relation "users" does not exist
ERROR: relation "auth_tokens" does not exist at character 15
Unknown column 'token' in 'field list'
ERROR: syntax error at or near "SELEC" LINE 1: SELEC * FROM tokens
update or delete on table "a" violates foreign key constraint "b_a_id_fkey" on table "b"
KeyError: 'password'
KeyError: 'API_KEY'
Environment variable API_KEY is not set
Missing required environment variable: OPENAI_API_KEY
Error: OPENAI_API_KEY environment variable is missing or empty
Set GITHUB_TOKEN to raise the rate limit
error: required option '--token <token>' not specified
error: option '--password <value>' argument missing
unknown option --password
the --token flag is required
Use --password-stdin instead.
Flag --password has been deprecated, use --password-stdin
error: unexpected argument '--api-key' found
Usage: tool login [--username NAME] [--password PASSWORD] HOST
Enter passphrase for key '/home/dev/.ssh/id_ed25519':
git@github.com: Permission denied (publickey).
Permission denied (publickey,password).
Host key verification failed.
fatal: could not read Username for 'https://github.com': terminal prompts disabled
fatal: repository 'https://github.com/o/r.git/' not found
fatal: Authentication failed for 'https://github.com/o/r.git/'
remote: Invalid username or token. Password authentication is not supported for Git operations.
ssh://git@github.com/o/r.git: not found
error: failed to push some refs to 'git@github.com:o/r.git'
fatal: bad object 3b18e512dba79e4c8300dd08aeb37f8e728b8dad
commit 3b18e512dba79e4c8300dd08aeb37f8e728b8dad not found
merge conflict between 9fceb02 and 4a5e6f7
error: pathspec 'feature/tokens' did not match any file(s) known to git
run 550e8400-e29b-41d4-a716-446655440000 has no output
request id: 7f3c9a1e-2b4d-4c6f-8a9b-0c1d2e3f4a5b
trace 4bf92f3577b34da6a3ce929d0e0e4736 span 00f067aa0ba902b7 not sampled
traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
manifest for nginx@sha256:9b2a28eb47540823042a2ba401386845089bb7b62a9637d55816132c4c3c36eb not found
Error response from daemon: pull access denied for acme/app, repository does not exist or may require 'docker login'
docker: Error response from daemon: Conflict. The container name "/db" is already in use by container "f2c1d6e8a9b0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f60718293a4b5c6d7e8f90".
failed to solve: process "/bin/sh -c npm ci" did not complete successfully: exit code: 1
ETag "d41d8cd98f00b204e9800998ecf8427e" does not match
md5 5d41402abc4b2a76b9719d911017c592 expected, got 7d793037a0760186574b0282f2f435e7
sha256 mismatch: expected e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
integrity check failed: wanted sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg== but got sha512-abc
HTTP 404 Not Found
HTTP 429 Too Many Requests from https://api.example.com/v1/items?page=2
HTTP 500 Internal Server Error: https://api.example.com/v1/users/42?fields=name,email&sort=-created
GET https://example.com/search?q=reset+password&lang=en returned 502
POST https://api.example.com/oauth/token 400 (Bad Request)
https://example.com/docs/authentication#api-keys says how
https://packages.example.net/@babel/core: Not found
https://medium.com/@someone/how-tokens-work
https://example.com:8080/@scope/pkg
http://localhost:3000/auth/callback?error=access_denied&error_description=denied
https://example.com/callback?code=404&state=done
https://example.com/?key=name&value=2
redirect to https://login.example.com/?client_id=web-app&response_type=code&scope=openid
s3://bucket/path/to/key.json does not exist
file:///home/dev/project/index.html
mailto:joe@example.com
contact support@example.com for help
From: alice@example.com To: bob@example.com
user alice@example.com has no access to project 12345
npm ERR! code E404
npm ERR! 404 Not Found - GET https://packages.example.net/left-pad2 - Not found
npm ERR! code ERESOLVE
npm ERR! peer react@"^16.8.0 || ^17.0.0" from react-dom@17.0.2
npm ERR! Could not resolve dependency: peer typescript@">=4.7 <5.0" from ts-node@10.9.1
npm warn deprecated inflight@1.0.6: This module is not supported, and leaks memory.
npm error code ENEEDAUTH
npm error need auth This command requires you to be logged in to https://packages.example.net/
ERR_PNPM_FETCH_404  GET https://packages.example.net/@acme%2Fpkg: Not Found - 404
yarn error An unexpected error occurred: "https://registry.yarnpkg.com/x: Not found".
ERROR: Could not find a version that satisfies the requirement tokenizers==9.9 (from versions: 0.13.3, 0.14.0)
ERROR: No matching distribution found for passlib==99
pip._vendor.urllib3.exceptions.ReadTimeoutError: HTTPSConnectionPool(host='index.example.net', port=443): Read timed out.
ModuleNotFoundError: No module named 'secrets_manager'
ImportError: cannot import name 'Token' from 'auth.models' (/app/auth/models.py)
AttributeError: 'NoneType' object has no attribute 'access_token'
ValueError: not enough values to unpack (expected 2, got 1)
ValueError: invalid literal for int() with base 10: 'abc'
json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)
UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte
assert token.type == 'NAME'
AssertionError: expected 3 to equal 4
AssertionError [ERR_ASSERTION]: Expected values to be strictly equal: 1 !== 2
expected token count 12 to be less than 10
max_tokens: 4096 is too large for this model
This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.
{"usage":{"prompt_tokens":12,"completion_tokens":34,"total_tokens":46}}
{"input_tokens": 1200, "output_tokens": 340, "cache_read_input_tokens": 0}
Rate limit reached for tokens per min. Limit: 90000, Used: 89000, Requested: 2000.
error TS2322: Type 'string' is not assignable to type 'number'.
src/index.ts(12,5): error TS2304: Cannot find name 'process'.
src/auth/token.ts(3,10): error TS2305: Module '"./types"' has no exported member 'Token'.
src/app.ts:14:7 - error TS2345: Argument of type 'string | undefined' is not assignable to parameter of type 'string'.
error TS2339: Property 'apiKey' does not exist on type 'Config'.
error TS7006: Parameter 'token' implicitly has an 'any' type.
error[E0382]: borrow of moved value: `token`
error[E0425]: cannot find value `secret` in this scope
panic: runtime error: invalid memory address or nil pointer dereference
./main.go:12:2: undefined: token
cannot use key (variable of type string) as int value in argument to f
java.lang.NullPointerException: Cannot invoke "Token.value()" because "token" is null
Exception in thread "main" java.lang.IllegalStateException: credentials not configured
Caused by: java.net.ConnectException: Connection refused (Connection refused)
java.security.InvalidKeyException: Illegal key size
undefined method `token' for nil:NilClass
PHP Fatal error:  Uncaught Error: Call to undefined function password_hash2() in /var/www/index.php:3
Segmentation fault (core dumped)
Killed
sh: 1: jq: not found
bash exited with code 127: jq: command not found
bash: line 1: passgen: command not found
make: *** [Makefile:12: build] Error 2
Error: Process completed with exit code 1.
curl: (6) Could not resolve host: api.example.com
curl: (22) The requested URL returned error: 401
curl: (35) error:0A00010B:SSL routines::wrong version number
wget: unable to resolve host address 'example.invalid'
jq: error (at <stdin>:0): Cannot iterate over null (null)
sed: -e expression #1, char 5: unterminated `s' command
tar: Cowardly refusing to create an empty archive
cp: cannot stat 'keys.txt': No such file or directory
rm: cannot remove '/tmp/token': Permission denied
C:\Users\dev\AppData\Local\Temp\tokens\new.txt: Access is denied.
The system cannot find the path specified: D:\build\secrets\config.json
\\server\share\keys\readme.txt is not reachable
/home/dev/project/.env: No such file or directory
/etc/passwd: Permission denied
/etc/shadow: Permission denied
/usr/share/keyboards/us.map not found
open /var/run/secrets/kubernetes.io/serviceaccount/token: no such file or directory
Code step "parse" failed at line 3:7
Missing required input: "token" — the API token
Input "count" must be a number, got array ([1,2,3])
Circular flow detected: a → b → a
Unknown step type: teleport
Step "send" requires $.steps.auth.output.token, which is missing
Module "fs" is blocked in code steps
Bash steps require --allow-bash flag for security
Do not know how to serialize a BigInt
Maximum call stack size exceeded
JavaScript heap out of memory
The operation was aborted due to timeout
2026-04-06T10:02:00.000Z ERROR worker 3 stopped
2026-04-06 10:02:00,123 [main] WARN  c.e.TokenService - retrying (2/5)
[2026-04-06T10:02:00Z] level=error msg="refresh failed" err="context deadline exceeded" attempt=3
time=2026-04-06T10:02:00Z level=INFO source=auth.go:42 msg=started
v18.19.0 does not satisfy >=20.0.0
requires node ^18.17.0 || >=20.5.0, found 16.20.2
version 1.2.3-beta.4+build.567 is older than 1.2.3
fe80::1ff:fe23:4567:890a is unreachable
2001:0db8:85a3:0000:0000:8a2e:0370:7334 port 443: No route to host
10.0.0.1:8080 -> 192.168.1.20:52344 reset
MAC 00:1A:2B:3C:4D:5E unknown
00000000  7f 45 4c 46 02 01 01 00  00 00 00 00 00 00 00 00  |.ELF............|
0x7ffee4b2c9a0 in main () at main.c:12
at Object.<anonymous> (/app/src/auth/token.js:10:15)
at process.processTicksAndRejections (node:internal/process/task_queues:95:5)
at async Promise.all (index 0)
data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg== is not supported
data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7 too small
//# sourceMappingURL=data:application/json;base64,eyJ2ZXJzaW9uIjozLCJzb3VyY2VzIjpbXSwibWFwcGluZ3MiOiIifQ== could not be parsed
ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqK8Q2o1m5b9cVtq0wWmQ1q5x0lT8yXq0lq8Xq9m1Zc dev@laptop is not allowed
Public key fingerprint SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDvUjpZN0dR2wJ8W0k does not match
gpg: Can't check signature: No public key
gpg: using RSA key 4AEE18F83AFDEB23
i18n key "errors.password.tooShort" is missing
Translation key not found: auth.token.expired
cache key: node-modules-linux-x64-3f2a1b not found
Cache miss for key: user:42:profile
Invalid partition key: user_id
primary key: id, sort key: created_at
keyboard: unknown layout 'dvorak2'
COMPASS=north is not a direction
author: Jane Doe
Author: jane <jane@example.com>
tokenize: unsupported input
passenger count: 3 exceeds 2
compass: heading 270 out of range
monkey: patch failed
Turkey: no data for 2024
hotkey: ctrl+shift+p is taken
keyName: index_users_on_email
token_type: bearer is not supported
tokenType=JWT is not supported
secretName: my-app-secrets not found
secrets "my-app-secrets" not found
Error from server (NotFound): secrets "db-credentials" not found
Error from server (Forbidden): pods is forbidden: User "system:serviceaccount:default:ci" cannot list resource "pods"
error: You must be logged in to the server (the server has asked for the client to provide credentials)
The specified key does not exist.
NoSuchKey: The specified key does not exist.
InvalidAccessKeyId: The AWS Access Key Id you provided does not exist in our records.
SignatureDoesNotMatch: The request signature we calculated does not match the signature you provided.
ExpiredToken: The provided token has expired.
Unable to locate credentials. You can configure credentials by running "aws configure".
CredentialsProviderError: Could not load credentials from any providers
AccessDenied: User: arn:aws:sts::123456789012:assumed-role/ci/run is not authorized to perform: s3:GetObject
Resource projects/my-project/secrets/api-key/versions/latest not found
Request had insufficient authentication scopes.
invalid x-api-key
Invalid API key provided
The API key you provided is invalid. See https://platform.example.com/account/api-keys
Please pass a valid API key.
API key not valid. Please pass a valid API key.
token: EOF
token: null
token=undefined
password=null
password: ''
apiKey: undefined
api_key: ${API_KEY}
password: $DB_PASSWORD
token: ${{ secrets.GITHUB_TOKEN }}
Authorization: Bearer ${TOKEN}
Authorization: Bearer <token>
password: ********
password=***
token: [REDACTED]
const token = process.env.GITHUB_TOKEN;
const { password, ...rest } = req.body;
if (token === undefined) throw new Error("no token");
password = getpass.getpass()
self.token = token
auth: false
auth: required
pass: 12, fail: 3
# pass 10
PASS src/auth.test.ts
FAIL src/token.test.ts > parses a token
ok 3 - rejects a bad password
--- FAIL: TestTokenRefresh (0.02s)
test_redaction_of_error_text_for_tokens_and_passwords FAILED
tests/test_live_session_handling_of_expired_tokens.py::test_refresh FAILED
sk-button is not a known element
sk_label_something_else is unknown
Attempt 3 of 5 failed, retrying in 4s
Queue depth 1,204,331 exceeds limit 1,000,000
Total: 1 234,56 € (inkl. MwSt.)
file size 1.5GiB > 1GiB
Expected 200 OK but got 503 Service Unavailable (x-request-id: req_011CQ9vJ7)
Das Passwort muss mindestens 8 Zeichen lang sein
Passwort: ungültig
Datei oder Verzeichnis nicht gefunden: /home/dev/schlüssel.txt
Der Token ist abgelaufen
Verbindung zum Server verloren, neuer Versuch in 5 Sekunden
Zugriff verweigert: Sie haben keine Berechtigung für dieses Verzeichnis
Le mot de passe est incorrect
Le jeton d'accès a expiré, veuillez vous reconnecter
Fichier introuvable : /home/dev/clé.txt
Erreur réseau : la connexion a été réinitialisée
mot de passe : doit contenir au moins 8 caractères
La contraseña es incorrecta
contraseña: debe tener al menos 8 caracteres
El token ha caducado
No se puede abrir el archivo: permiso denegado
Error de conexión con la base de datos
A senha deve ter pelo menos 8 caracteres
Arquivo não encontrado: /home/dev/chave.txt
O token expirou; faça login novamente
Неверный пароль
Файл не найден: /home/dev/ключ.txt
Соединение с сервером прервано
パスワードが正しくありません
トークンの有効期限が切れています
ファイルが見つかりません: /home/dev/設定.json
密码错误
令牌已过期，请重新登录
找不到文件：/home/dev/密钥.txt
비밀번호가 올바르지 않습니다
كلمة المرور غير صحيحة
Errore: il file non esiste
La password deve contenere almeno 8 caratteri
Fel lösenord
Unable to resolve dependency tree for key-value-store@2.0.0
zod: Expected string, received number at "auth.token"
[{"code":"invalid_type","expected":"string","received":"undefined","path":["password"],"message":"Required"}]
ajv: data/token must be string
must have required property 'apiKey'
"password" is not allowed to be empty
"token" length must be at least 6 characters long
GraphQL error: Variable "$token" of required type "String!" was not provided.
Field "secret" is not defined by type "Query".
Unknown argument "key" on field "Query.item".
YAMLException: bad indentation of a mapping entry (3:12)
toml: line 4: expected key separator '='
xmllint: parser error : Opening and ending tag mismatch: key line 3 and value
Invalid header value char
Invalid value "undefined" for header "authorization"
Header "x-api-key" is required
Cookie "session" has been rejected because it is in a cross-site context
cookies are disabled
session expired
The session cookie is missing
Your session has expired. Please sign in again.
Two-factor code: invalid
OTP: expired
Error: listen EADDRINUSE: address already in use 0.0.0.0:8080
at TokenStream.next (file:///srv/app/node_modules/postcss/lib/tokenize.js:12:9)
Cannot find module '@auth/core' imported from /app/src/auth.ts
Invalid environment variables: { SESSION_SECRET: [ 'Required' ] }
❌ Invalid environment variables: { DATABASE_URL: [ 'Invalid url' ], NEXTAUTH_SECRET: [ 'Required' ] }
PrismaClientInitializationError: Environment variable not found: DATABASE_URL.
[next-auth][error][NO_SECRET] https://next-auth.js.org/errors#no_secret Please define a `secret` in production.
Error: secretOrPrivateKey must have a value
Error: secret or public key must be provided
The "key" argument must be of type string or an instance of Buffer. Received undefined
error:0308010C:digital envelope routines::unsupported
error:1E08010C:DECODER routines::unsupported
Error: Invalid key length
bad decrypt: error:06065064:digital envelope routines:EVP_DecryptFinal_ex:bad decrypt
OpenAI API error 429: You exceeded your current quota, please check your plan and billing details.
AuthenticationError: 401 Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys.
anthropic.AuthenticationError: Error code: 401 - {'type': 'error', 'error': {'type': 'authentication_error', 'message': 'invalid x-api-key'}}
{'error': {'message': "This model's maximum context length is 4097 tokens", 'type': 'invalid_request_error', 'param': 'messages', 'code': 'context_length_exceeded'}}
botocore.exceptions.NoCredentialsError: Unable to locate credentials
google.auth.exceptions.DefaultCredentialsError: Could not automatically determine credentials. Please set GOOGLE_APPLICATION_CREDENTIALS or explicitly create credentials and re-run the application.
Error 403: Permission 'secretmanager.versions.access' denied for resource 'projects/p/secrets/db-pass/versions/1'
x509: certificate signed by unknown authority
tls: failed to verify certificate: x509: certificate is valid for a.example.com, not b.example.com
rpc error: code = Unauthenticated desc = missing authorization token
Error: 16 UNAUTHENTICATED: Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.
{"statusCode":401,"error":"Unauthorized","message":"Missing authentication"}
Deprecation warning: use `getToken()` instead of `token`
[eslint] src/a.ts 3:10 error 'token' is assigned a value but never used  no-unused-vars
  12:5  error  Unexpected token =  
Parsing error: Unexpected token =
Babel: Unexpected token, expected "," (4:12)
ParseError: Unexpected token (12:8) while parsing file: /app/src/index.jsx
CssSyntaxError: <css input>:1:2: Unknown word
yaml.scanner.ScannerError: while scanning for the next token found character '\t' that cannot start any token
lark.exceptions.UnexpectedToken: Unexpected token Token('RPAR', ')') at line 1, column 5.
org.postgresql.util.PSQLException: The server requested password-based authentication, but no password was provided.
com.mysql.cj.jdbc.exceptions.CommunicationsException: Communications link failure
SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string
redis.exceptions.AuthenticationError: Authentication required.
ReplyError: WRONGPASS invalid username-password pair
kex_exchange_identification: Connection closed by remote host
Load key "/home/u/.ssh/id_rsa": invalid format
sign_and_send_pubkey: signing failed for RSA "/home/u/.ssh/id_rsa" from agent: agent refused operation
Warning: Permanently added 'github.com,140.82.121.4' (ECDSA) to the list of known hosts.
sudo: a password is required
sudo: no tty present and no askpass program specified
su: Authentication failure
gpg: decryption failed: No secret key
gpg: public key decryption failed: Inappropriate ioctl for device
error: gpg failed to sign the data
git-lfs: batch response: Authentication required: Authorization error
remote: Permission to o/r.git denied to github-actions[bot].
Error: Resource not accessible by integration
Input required and not supplied: token
Error: Input required and not supplied: github-token
Unrecognized named-value: 'secrets'. Located at position 1 within expression: secrets.TOKEN != ''
terraform: Error: No value for required variable: The root module input variable "db_password" is not set
Error: Unsupported argument "secret_key" on main.tf line 12
Ansible: fatal: [host1]: FAILED! => {"msg": "Missing sudo password"}
helm: Error: values don't meet the specifications of the schema(s): auth.password is required
vault: Error reading secret/data/app: permission denied
* permission denied (Code: 403) URL: GET https://vault.example.com:8200/v1/secret/data/app
ERROR: for web  Cannot create container for service web: secret not found: db_password
stripe.error.CardError: Your card was declined. request_id=req_8KfYq2hZ1abCde
TypeError: Failed to fetch dynamically imported module: https://example.com/assets/index-3f2a1b4c.js
ChunkLoadError: Loading chunk 12 failed. (error: https://cdn.example.com/static/js/12.8a7b6c5d.chunk.js)
webpack 5.88.2 compiled with 1 error in 2345 ms
Module parse failed: Unexpected token (1:0) You may need an appropriate loader
E       assert {'token': 'a'} == {'token': 'b'}
selenium.common.exceptions.NoSuchElementException: Unable to locate element: {"method":"css selector","selector":"input[name='password']"}
TimeoutError: page.fill: Timeout 30000ms exceeded. waiting for locator('#password')
locator.click: Error: strict mode violation: getByLabel('Password') resolved to 2 elements
Field 'password' doesn't have a default value
null value in column "password" of relation "users" violates not-null constraint
insert or update on table "sessions" violates foreign key constraint "sessions_user_id_fkey"
Duplicate entry 'abc@example.com' for key 'users.email_unique'
Duplicate entry '42-7' for key 'PRIMARY'
E11000 duplicate key error collection: app.users index: email_1 dup key: { email: "a@b.co" }
ER_NO_SUCH_TABLE: Table 'app.api_keys' doesn't exist
relation "public.refresh_tokens" already exists
SQLSTATE[42S22]: Column not found: 1054 Unknown column 'remember_token' in 'field list'
WRONGTYPE Operation against a key holding the wrong kind of value
MOVED 3999 127.0.0.1:6381
NoSuchKey: The specified key does not exist. Key: uploads/2024/01/report-final-v2.pdf
GET s3://my-bucket/data/key=value/part-0000.parquet: 404
partition key=2024-01-01 has no data
KeyError: "Cache key 'user:1234:profile' not found"
Missing key(s) in state_dict: "encoder.layers.0.self_attn.in_proj_weight".
Unexpected key(s) in state_dict: "module.fc.weight"
RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB
Token indices sequence length is longer than the specified maximum sequence length for this model (1024 > 512)
ValueError: Asking to pad but the tokenizer does not have a padding token
num_tokens=512, max_new_tokens=128, pad_token_id=0, eos_token_id=2
special_tokens_map.json not found
{"object":"error","message":"tokens: 5000 exceeds limit","token_count":5000}
docker.io/library/node:20.11.1-alpine3.19@sha256:2f8b4c1d6e7a9b0c3d5e4f6a7b8c9d0e1f2a3b4c5d6e7f8091a2b3c4d5e6f708 not found
unauthorized: authentication required
denied: requested access to the resource is denied
toomanyrequests: You have reached your pull rate limit.
E: The repository 'https://apt.example.com stable Release' is not signed.
W: GPG error: https://apt.example.com stable InRelease: The following signatures couldn't be verified because the public key is not available: NO_PUBKEY 7EA0A9C3F273FCD8
error: externally-managed-environment
pip: Looking in indexes: https://index.example.net/simple, https://pypi.example.com/simple
Downloading cryptography-42.0.5-cp39-abi3-manylinux_2_28_x86_64.whl (4.6 MB)
Hash mismatch: Expected sha256 0f3f7a2b9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f Got 1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f809
cargo: error: failed to select a version for `serde_json = "^2.0"`
go: module github.com/acme/secrets: git ls-remote -q origin: exit status 128
fatal: not a git repository (or any of the parent directories): .git
error: Your local changes to the following files would be overwritten by merge: config/keys.json
HEAD is now at 9fceb02d0ae598e95dc970b74767f19372d61af8 add tokens
2024-01-15T10:23:45.678Z [WARN] (worker-3) job 7f3c9a1e-2b4d-4c6f-8a9b-0c1d2e3f4a5b: retry 2/5 in 4000ms
Jan 15 10:23:45 host sshd[1234]: Failed password for invalid user admin from 10.0.0.5 port 52344 ssh2
Jan 15 10:23:45 host sshd[1234]: Accepted publickey for dev from 10.0.0.5 port 52344 ssh2: RSA SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8
{"level":"error","ts":1705314225.678,"caller":"auth/token.go:42","msg":"token refresh failed","error":"context deadline exceeded"}
levelname=ERROR name=auth.token msg="Token refresh failed" user_id=42
X-Request-Id: 0HMVFE0A8RGG8:00000003
correlation-id: 8f14e45f-ceea-467f-a0e6-2d5e1f3b4c5d
cf-ray=7d5f8b1c2a3b4c5d-FRA
x-amzn-requestid: 6e2f1c3d-8b7a-4c5d-9e0f-1a2b3c4d5e6f
arn:aws:iam::123456789012:role/ci-deploy is not authorized to perform: sts:AssumeRole
/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv was not found
projects/my-proj/locations/europe-west1/keyRings/kr/cryptoKeys/key1 not found
urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66
01ARZ3NDEKTSV4RRFFQ69G5FAV is not a valid ULID
cus_NffrFeUfNV2Hib has no default payment method
No such customer: 'cus_9s6XKzkNRiz8i3'
price_1MoBy5LkdIwHu7ixZhnattbh is inactive
pi_3MtwBwLkdIwHu7ix28a3tqPa requires action
chat.postMessage failed: channel_not_found (C024BE91L)
page 59833787-2cf9-4fdf-8782-e53db20768a5 archived
msg_01XFDUDYJgAACzvnptvVoYEL toolu_01A09q90qw90lq917835lq9 stopped
chatcmpl-8mKx0a1b2C3d4E5f6G7h8I9j failed
call_abc123XYZ456def789 not found
#ff00aa is not a valid color
Unexpected character U+2028 at 12
El campo 'token' es obligatorio
Jeton inattendu '}' en position 4
Der Schlüssel 'API_KEY' fehlt in der Konfiguration
La clave de API no es válida
パスワードは8文字以上でなければなりません
O campo senha é obrigatório
Ошибка: ключ не найден
令牌无效
密码: 不能为空
Passwort: muss mindestens 8 Zeichen haben
Mot de passe : requis
Windows: 'C:\Program Files\nodejs\node.exe' is not recognized as an internal or external command
C:\Users\me\project\src\tokens\auth.ts(12,3): error TS2554: Expected 1 arguments, but got 0.
0000000 50 4b 03 04 14 00 00 00 08 00 |PK........|
Checksum: crc32=0x1c291ca3 expected=0x3610a686
UTF-8 BOM EF BB BF found
Uncaught (in promise) DOMException: Failed to execute 'setItem' on 'Storage': Setting the value of 'token' exceeded the quota.
Refused to set unsafe header "Cookie"
Access to fetch at 'https://api.example.com/' from origin 'http://localhost:3000' has been blocked by CORS policy: Request header field authorization is not allowed by Access-Control-Allow-Headers in preflight response.
net::ERR_CERT_AUTHORITY_INVALID at https://localhost:8443/
key 'foo': expected string, got int
bad key: "foo bar"
Unknown key: 'retries'
invalid key: steps.0.bash.pass
pass: expected boolean
"auth" must be one of [basic, bearer, none]
auth: unknown type "digest"
auth: connection refused
cookie: domain mismatch
session: closed
signature: mismatch
sig: bad length 63, expected 64
token: unexpected end of file
secret: not found
secrets: [db-password, api-key]
credentials: file not found
password: incorrect
password incorrect for user bob
password expired, change it at https://example.com/reset
password mismatch between fields
Token refresh scheduled in 3600s
token 5 of 12 could not be parsed
Token type bearer expected
token expired at 2024-01-15T10:23:45Z
jwt exp 1705314225 is before now 1705314300
token "}" unexpected
unexpected token "}" near line 3
Unexpected token: "EOF"
key=value pairs expected
use key=NAME
--key=VALUE is required
--auth=none
--auth-type basic is not supported
--token-file /run/secrets/token: no such file
--password-file=/run/secrets/db does not exist
DB_PASSWORD_FILE=/run/secrets/db_password not readable
SSH_AUTH_SOCK not set
COMPASS_HOME=/opt/compass not found
KEYBOARD_LAYOUT=us is invalid
tokenize=porter is unknown
AUTHOR=jane@example.com
authority=example.com:443
bypass=true
passive=true port=21
monkey=1
Error: ENOENT: no such file or directory, open '/home/bob/.cache/pypoetry/virtualenvs/myproject-XyZ12abC-py3.11/lib/site.py'
request_id: req_011CSHoEeqs5C35K2UUqR7Fy overloaded_error
chatcmpl-9kL2mNoPqRsTuVwXyZ0123456789a timed out
toolu_01A09q90qw90lq917835lq9 not found in the previous message
msg_01XFDUDYJgAACzvnptvVoYEL stopped at max_tokens
thread_abc123DEFghi456JKLmno789 is already active
file-9Xk2LmNoPqRsTuVwXyZ01234 too large
run_7d3e9fA1b2C3d4E5f6G7h8I9 expired after 600 seconds
commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b is not an ancestor
sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 manifest unknown
integrity sha512-9LkzHk8iYLYjhT1aXk2wLxyzYzkYFQc0d1q3xGkJ7s5VJ5gYV2YJj8XGx4q0R9t0hU8lY2QmWJ8VbqgJj0p1Ug== mismatch
npm ERR! code EINTEGRITY sha1-Kt1pZm8Vb6s3mQ0q6Y1cM7x2c3E=
pod myapp-7c9d8b6f5d-x2v4q in CrashLoopBackOff
arn:aws:lambda:us-east-1:123456789012:function:my-fn:42 throttled
arn:aws:iam::123456789012:role/deploy-role is not authorized to perform: s3:GetObject
RequestId: 4C1A7D2E9F3B8A60 HostId: x
Cannot find module '@scope/pkg-name_with-long-chars/dist/index.esm.min.js'
TypeError: Cannot read properties of undefined (reading 'tokens')
SyntaxError: Unexpected token '}', "{"a":1,}" is not valid JSON
Le mot de passe doit contenir au moins 8 caractères
Das Passwort ist abgelaufen, bitte ändern
La contraseña no es válida
token expired at 2026-01-02T03:04:05Z
token count 12345 exceeds the limit of 8192 tokens
max_tokens: 4096 must be less than 8192
keyError: 'api_key'
KeyError: 'secret_name'
Missing required key: accessLevel
primary key violation on users_pkey
duplicate key value violates unique constraint "orders_customer_id_key"
foreign key (user_id) references users(id)
secret "db-credentials" not found in namespace prod
Secret arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf not found
PASS src/components/Button1.test.tsx
PASS tests/login2.spec.ts (5.231 s)
FAIL src/auth/TokenService.test.ts
--- PASS: TestLogin2 (0.00s)
ok  	github.com/x/y/auth	0.123s
LOGIN failed for user bob
INFO LOGIN page rendered
user LOGIN form submitted ok
event LOGIN user42 success
USER root PASS
Drive file 1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgVE2upms not found
https://docs.google.com/spreadsheets/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgVE2upms/edit
youtube video dQw4w9WgXcQ unavailable
s3://bucket/path/2026/01/01/part-00000-3f2b8c1d-9a7e-4b5c-8d6f-1a2b3c4d5e6f-c000.snappy.parquet
File "/usr/lib/python3.11/site-packages/auth/token.py", line 42, in get_token
    at Object.getToken (/app/node_modules/auth/lib/token.js:10:15)
    at async TokenManager.refreshAccessToken (file:///app/dist/token-manager.mjs:120:9)
trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7
00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
cf-ray: 8a1b2c3d4e5f6789-FRA
etag "33a64df551425fcc55e4d42a148795d9f25f89d4"
x-request-id: 7b1f0c2e-4d3a-4c5b-9e8f-0a1b2c3d4e5f
x-amzn-RequestId: 4d5e6f70-1234-5678-9abc-def012345678
stripe: No such customer: 'cus_NffrFeUfNV2Hib'
stripe: No such payment_intent: 'pi_3MtwBwLkdIwHu7ix28a3tqPa'
prod_NWjs8kKbJWmuuc has no default price
slack channel C024BE91L not found, user U0G9QFKBM
duplicate slug my-org_some-very-long-identifier-name-with-2026-and-v2
test_user_login_with_expired_token_returns_401_unauthorized_and_redirects FAILED
my_very_long_function_name_that_has_more_than_32_characters_v2 is not defined
live_reload_server_connection_refused_on_port_35729
as-needed-recompute-the-layout-of-column-12 failed
ak-sheet-number-20260101-customer-list not found
md-outlined-text-field-v2-supporting-text-0
airtable record recAbCdEfGhIjKlMn not found in tblAbCdEfGhIjKlMn
airtable: field keyPerformanceInd missing
net user bob is not known to this machine
security add-ons are not available
openssl: error:0308010C:digital envelope routines::unsupported
snmpwalk: Timeout: No Response from 10.0.0.1
snmp -v2c request timed out
expect: send "hello" and wait for prompt
expected "password" but got "passwd"
form field name="username" is missing
ssh-keygen: command not found
ssh-keygen -t ed25519 -f key failed
docker: invalid reference format: repository name must be lowercase
git: fatal: refusing to merge unrelated histories
error: failed to push some refs to 'github.com:o/r.git'
Bearer authentication required
Authorization header missing
Basic auth is disabled for this tenant
Invalid API key format
cookie consent banner not found
Cookies are blocked by the browser
JWT malformed
jwt audience invalid. expected: api.example.com
HTTP 401 Unauthorized: WWW-Authenticate: Bearer realm="api", error="invalid_token"
session 3f2b8c1d-9a7e-4b5c-8d6f-1a2b3c4d5e6f expired
auth: unknown flag --pass-through
--token-limit 4096 is not supported
--password-stdin is required
--key-file /etc/ssl/key.pem: permission denied
pass 3 of 5 completed in 12ms
pass: true
passed: 12, failed: 3
team: platform-core1 owns this service
x-team: growth-squad
device code flow is not enabled for tenant
device: cuda:0 out of memory
consumer: group-42 rebalanced
honeycomb team not found
verifier: signature mismatch
assertion: expected 4 to equal 5
AssertionError: expected { a: 1 } to deeply equal { a: 2 }
Some("value") is not None
thread 'main' panicked at 'called `Option::unwrap()` on a `None` value', src/main.rs:42:10
Token(Ident("foo"), Span { lo: 12, hi: 15 })
unexpected token(s) after expression
token("identifier") at line 4
Error: key "name" of type String("text") expected
property "credentials" has type Some(Struct)
Ошибка: файл не найден
错误：连接超时
Erreur: délai dépassé lors de la connexion à la base
Fehler: Verbindung zur Datenbank fehlgeschlagen
Error: conexión rechazada por el servidor
code: 'ERR_MODULE_NOT_FOUND', url: 'file:///app/index.js'
code=H12 desc="Request timeout" method=GET path="/" host=x.herokuapp.com request_id=8601b555-6a83-4c12-8269-97c8e32cdb22
psk: too short
ps: command not found
partition key /customerId is missing
sort key range exceeded for item 0001#2026-01-01
i18n key auth.login.password.placeholder is missing
cache key user:42:profile:v2 evicted
React: Each child in a list should have a unique "key" prop.
key_123 not found in map
hash mismatch: got 5d41402abc4b2a76b9719d911017c592 want 7d793037a0760186574b0282f2f435e7
md5 5d41402abc4b2a76b9719d911017c592
5d41402abc4b2a76b9719d91:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08x
linear issue ENG-1234 not found
image ghcr.io/org/app:v1.2.3-20260101T000000-9f86d08 not found
wheel numpy-1.26.4-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl is not supported
firestore/projects/my-project/databases/(default)/documents/users/AbCdEfGhIjKlMnOpQrSt
asst_abc123DEFghi456JKLmno789 no such assistant
ses_4f3e2d1c0b9a8f7e6d5c4b3a29181706 not active
projects/p/locations/us/keyRings/r/cryptoKeys/k not found
build_01HZX3K9QWERTYUIOPASDFGHJK failed
01HZX3K9QWERTYV8N0PASDFGHJ not a valid ULID
ckl1a2b3c0000qzrmn831i7rn not found
65f1c0ffee1234567890abcd is not a valid ObjectId
flow_run_3f2b8c1d9a7e4b5c8d6f1a2b3c4d5e6f failed
""".strip("\n")

_BLOCKS = (
    "HTTP/1.1 401 Unauthorized\nContent-Type: application/json\nWWW-Authenticate: Bearer\nContent-Length: 27",
    "< HTTP/2 403\n< content-type: text/html; charset=utf-8\n< cf-ray: 7d5f8b1c2a3b4c5d-FRA\n< server: cloudflare",
    'Expected: "token"\nReceived: undefined',
    "expect(received).toBe(expected) // Object.is equality\n\nExpected: 200\nReceived: 401",
    "PS C:\\> At line:1 char:1\n+ Get-Token\n+ ~~~~~~~~~",
    'Traceback (most recent call last):\n  File "/app/main.py", line 12, in <module>\n    run()\n  File "/app/main.py", line 8, in run\n    raise ValueError("bad input")\nValueError: bad input\n',
    "TypeError: Cannot read properties of undefined (reading 'key')\n    at getKey (/app/src/keys.js:10:15)\n    at Object.<anonymous> (/app/src/index.js:3:1)\n    at Module._compile (node:internal/modules/cjs/loader:1376:14)\n    at node:internal/main/run_main_module:28:49\n",
    "java.lang.IllegalArgumentException: token must not be null\n\tat com.example.auth.TokenService.verify(TokenService.java:42)\n\tat com.example.Main.main(Main.java:10)\n\t... 3 more\n",
    "goroutine 1 [running]:\nmain.main()\n\t/app/main.go:12 +0x1d\nexit status 2\n",
    "thread 'main' panicked at src/main.rs:4:5:\ncalled `Result::unwrap()` on an `Err` value: ParseIntError { kind: InvalidDigit }\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n",
    "src/token.ts:3:5 - error TS2322: Type 'string' is not assignable to type 'number'.\n\n3     const count: number = 'a';\n      ~~~~~\n\nFound 1 error.\n",
    '{\n  "error": {\n    "code": 404,\n    "message": "Requested entity was not found.",\n    "status": "NOT_FOUND"\n  }\n}',
    "npm ERR! code ELIFECYCLE\nnpm ERR! errno 1\nnpm ERR! app@1.0.0 build: `tsc -p .`\nnpm ERR! Exit status 1\nnpm ERR!\nnpm ERR! A complete log of this run can be found in:\nnpm ERR!     /home/dev/.npm/_logs/2026-04-06T10_02_00_000Z-debug-0.log\n",
    "diff --git a/src/token.ts b/src/token.ts\nindex 3b18e51..9fceb02 100644\n--- a/src/token.ts\n+++ b/src/token.ts\n@@ -1,3 +1,3 @@\n",
    "Error: 3 validation errors:\n  - name: required\n  - token: must be a string\n  - password: too short (minimum is 8 characters)\n",
    "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>\n<body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx/1.25.3</center></body></html>",
    "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJ\nRTESMBAGA1UEChMJQmFsdGltb3JlMRMwEQYDVQQLEwpDeWJlclRydXN0MSIwIAYD\n-----END CERTIFICATE-----\nis not trusted",
)

INNOCENTS = (*_LINES.split("\n"), *_BLOCKS)
