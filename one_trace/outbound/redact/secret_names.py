"""Which names of fields, options and variables say "secret": decided on whole words, however a name is written.

A new such name is a word in `_STRONG`, `_WEAK`, `_KEYS_OF` (``… key``) or `_COMPOUNDS`; one that only sounds like
it, a word in `_ABOUT` or `_NO_SECRET_KEYS`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

Strength = Literal["strong", "weak"]
"""Weak names, such as token and authorization, are far more often words of prose than names of values."""

_SPLIT = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_STRONG = frozenset(
    "password passwords passwd passphrase passphrases passcode pwd pw secret secrets apikey apikeys "
    "credential credentials creds cred accesskey secretkey privatekey authkey authtoken accesstoken "
    "refreshtoken mnemonic psk sshpass aspxauth privkey bindpw rootpw passwort kennwort senha contraseña contrasena mdp пароль 密码 密碼 パスワード 비밀번호".split()
)
_WEAK = frozenset(
    "pass token tokens auth authorization cookie cookies jwt bearer otp totp pat sid sessid sessionid "
    "jsessionid phpsessid sessiontoken signature sig dsn xsrf csrf authenticity".split()
)
_GLUED = tuple(
    "password passwd passphrase secret token apikey secretkey accesskey mypwd dbpwd sqlpwd".split()
)
_KEYS_OF = frozenset(
    "api app application preshared ingestion pairing unseal access secret private auth encryption encrypt decryption signing sign master service "
    "license licence account deploy ssh storage shared subscription consumer client admin root "
    "security server integration webhook restricted publishable functions symmetric hmac jwt crypto "
    "fernet gpg pgp rsa ec ecdsa ed25519 wrapping recovery write read ingest insert project routing "
    "event bot user session tls ssl pem data host management connection openai anthropic stripe "
    "sendgrid mailgun twilio google gemini aws azure gcp github gitlab slack datadog algolia maps "
    "mistral groq cohere openrouter deepseek xai perplexity tavily serper brave exa firecrawl resend "
    "one".split()
)
_NO_SECRET_KEYS = frozenset(
    "primary foreign public cache sort partition unique flow row object idempotency message map hot "
    "group composite natural surrogate lookup search index locale i18n translation step run record "
    "lock column dict query state registry range join json duplicate missing unknown hash s3 node "
    "react".split()
)
_ABOUT = frozenset(
    "type types name names id ids url uri uris urls endpoint endpoints count counts counter length "
    "len size limit limits file files path paths dir directory ttl expiry expires expiration expired "
    "in at policy policies format method methods mode scheme schemes status error errors field fields "
    "header headers prefix suffix version index store manager provider providers ref refs arn env var "
    "variable required enabled disabled valid invalid hint strength reset usage used budget max min "
    "maximum minimum per rate price cost issuer audience scope scopes realm user users username "
    "domain host hosts port timeout algorithm alg kind class module function message messages msg "
    "reason description label title chars characters parser position line column limit remaining "
    "total input output prompt completion details verified verification requirements rule rules "
    "management validation validator validate check exists changed updated created rotated rotation "
    "age source sources location template placeholder example flow flows sock socket agent plugin "
    "plugins server servers service config settings options middleware controller handler guard "
    "strategy go ts tsx js jsx mjs cjs py rb java rs php cs cpp".split()
)
_TAILS = frozenset(
    "value values b64 base64 encoded enc raw plain plaintext clear text string str data hash hashed "
    "old new prev previous current next prod production dev development staging stage test testing "
    "live sandbox v json pem hex".split()
)
_ALL_CAPS = re.compile(r"[A-Z][A-Z0-9_]*\Z")
_WORKING_DIRECTORIES = frozenset(("PWD", "OLDPWD"))


def words(name: str) -> list[str]:
    """``AWS_SecretKey2`` is aws, secret, key, 2."""
    if not name.isascii():
        return [word.lower() for word in re.split(r"[\W_]+", name) if word]
    return [word.lower() for word in _SPLIT.findall(name)]


@lru_cache(maxsize=1024)
def strength(name: str) -> Strength | None:
    """How surely the value of a field, option or variable of this name is a secret; None if it is not."""
    found = words(name)
    while len(found) > 1 and (found[-1] in _TAILS or found[-1].isdigit()):
        found.pop()
    if " ".join(found[-2:]) in _COMPOUNDS:
        return "strong"
    if not found or found[-1] in _ABOUT:
        return None
    if _is_key(name, found) or any(_is_strong(word) for word in found):
        return "strong"
    weak = [word for word in found if word in _WEAK or word.endswith("token")]
    if not weak:
        return None
    return "strong" if len(found) > 1 and found[-1] == weak[-1] and weak[-1] not in _LOOSE else "weak"


_COMPOUNDS = frozenset(
    "seed phrase|recovery phrase|pass phrase|secret phrase|code verifier|oauth verifier|client assertion|"
    "saml response|saml request|device code|honeycomb team|ovh consumer".split("|")
)
_LOOSE = frozenset(("tokens", "signature", "sig", "authorization"))


def _is_strong(word: str) -> bool:
    return word in _STRONG or any(word.endswith(end) and word != "token" for end in _GLUED)


def _is_key(name: str, found: list[str]) -> bool:
    if found[-1] not in ("key", "keys") or len(found) < 2:
        return False
    before = found[-2]
    if before in _NO_SECRET_KEYS:
        return False
    return before in _KEYS_OF or _ALL_CAPS.match(name) is not None


_VARIABLE = _STRONG | frozenset(
    "key keys pass token tokens auth authorization bearer cookie cookies jwt otp pat dsn signature "
    "sig".split()
)


def is_secret_variable(name: str) -> bool:
    """Whether a variable of the environment is named as a secret. `PWD` is a folder."""
    if name in _WORKING_DIRECTORIES:
        return False
    found = words(name)
    return any(word in _VARIABLE or _is_strong(word) or word.endswith("token") for word in found)
