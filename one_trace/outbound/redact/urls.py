"""Secrets in URLs: user and password, parameters named as secrets, and web hooks, whose path is the secret.

A new web hook is one row in `_HOOKS`, a new name of a parameter a word in `_PARAMETERS`.
"""

from __future__ import annotations

import re

from one_trace.outbound.redact.rule import Rule
from one_trace.outbound.redact.secret_names import strength
from one_trace.outbound.redact.value_kinds import is_code, is_count, is_placeholder, looks_random

_QUOTES = "\\s\"'<>`"
_USERS = frozenset(
    "git hg svn anonymous ftp guest nobody user username root admin postgres mysql mongo mongodb "
    "rabbitmq redis".split()
)
_PLAIN_USER = re.compile(r"[a-z][a-z_.-]{0,15}\Z")
_PARAMETERS = frozenset(
    "sig signature code key k hmac ticket assertion samlresponse samlrequest st otp state_token "
    "x-amz-signature x-amz-credential x-amz-security-token x-goog-signature x-goog-credential "
    "awsaccesskeyid googleaccessid policy hdnts hdnea key-pair-id se_sig invite magic auth_code "
    "authorization_code id_token_hint login_hint_token subscription-key appkey appid_key apitoken "
    "api_sig sign oauth_signature oauth_token oauth_verifier device_code user_code hash h_token "
    "t_token".split()
)
_RANDOM_ONLY = frozenset("appid code key k hash sign st otp invite magic ticket policy user_code".split())
_LABELS = frozenset(
    "email mail e-mail mailto to from cc bcc reply-to user contact author sip sips xmpp acct username "
    "maintainer".split()
)


def _is_userinfo(match: re.Match[str]) -> bool:
    user, colon, password = match["secret"].partition(":")
    if user.startswith(("$", "{", "<", "[")):
        return False
    if colon and password:
        return not password.startswith(("$", "{", "<", "["))
    if user.lower() in _USERS or not user:
        return False
    web = match["scheme"].lower() in ("http", "https", "ws", "wss")
    return web or _PLAIN_USER.match(user) is None


def _is_parameter(match: re.Match[str]) -> bool:
    name, value = match["name"], match["secret"]
    low = name.lower().strip("[]")
    if is_placeholder(value):
        return False
    if low in _RANDOM_ONLY:
        return looks_random(value, 12) and not is_code(value)
    if low in _PARAMETERS:
        return True
    return strength(name) is not None and not is_count(value)


def _is_login(match: re.Match[str]) -> bool:
    """``user:password@host`` without a scheme, and not an e-mail address behind a label."""
    return (
        match["user"].lower() not in _LABELS
        and match["host"].lower() not in ("sha256", "sha512", "sha1")
        and looks_random(match["secret"], 6)
        and re.fullmatch(r"v?\d+(?:\.\d+){1,4}(?:[-+][\w.]+)?", match["secret"]) is None
    )


_PARTS = (
    Rule(
        "://",
        rf"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{{0,30}})://(?P<secret>[^{_QUOTES}/?#]{{1,2048}})(?=@)",
        _is_userinfo,
    ),
    # A password with a slash, a question mark or a hash in it: it does not begin like a port.
    Rule(
        "://",
        rf"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{{0,30}})://(?P<secret>[^{_QUOTES}/?#:@]{{0,256}}:(?![0-9]{{1,5}}(?:[/?#{_QUOTES}]|\Z))"
        rf"[^{_QUOTES}]{{1,1024}})@(?=[A-Za-z0-9\[])",
        _is_userinfo,
    ),
    # Cut off before its host.
    Rule(
        "://",
        rf"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{{0,30}})://(?P<secret>[^{_QUOTES}/?#:@\[]{{0,256}}:(?![0-9]{{0,5}}(?:…|\.\.\.|\Z))[^{_QUOTES}/@]{{4,1024}})(?=…|\.\.\.|\Z)",
    ),
    Rule(
        "@",
        rf"(?<![\w./@:-])(?P<user>[A-Za-z0-9._%+-]{{1,64}}):(?P<secret>[^{_QUOTES}:@/]{{6,256}})@(?P<host>[A-Za-z0-9-]+)",
        _is_login,
    ),
    Rule(
        "=",
        rf"(?:[?&#;]|&amp;)(?P<name>[A-Za-z0-9_.\[\]-]{{1,64}})=(?P<secret>[^&#{_QUOTES}]{{1,4096}})",
        _is_parameter,
    ),
    Rule(
        "x-amz-",
        rf"X-Amz-(?:Signature|Credential|Security-Token)=(?P<secret>[^&{_QUOTES},]{{4,}})",
        flags=re.IGNORECASE,
    ),
)

_REST = rf"[^{_QUOTES}]"
_PATH = rf"[^{_QUOTES}?]"
_HOOKS = {
    "hooks.slack.com": rf"(?i:hooks\.slack(?:-gov)?\.com)/(?P<secret>{_REST}{{8,}})",
    "/api/webhooks/": rf"/api/webhooks/(?P<secret>{_PATH}{{8,}})",
    "discord.com/api": rf"discord(?:app)?\.com/api/(?:v[0-9]+/)?webhooks/(?P<secret>{_PATH}{{8,}})",
    ".webhook.office.com outlook.office.com/webhook": rf"(?i:office\.com/webhook(?:b2)?)/(?P<secret>{_REST}{{8,}})",
    "hooks.zapier.com/": rf"hooks\.zapier\.com/hooks/(?:catch|standard)/(?P<secret>{_REST}{{6,}})",
    "maker.ifttt.com": rf"maker\.ifttt\.com/trigger/[^{_QUOTES}/]+/(?:json/)?with/key/(?P<secret>{_PATH}{{6,}})",
    "/open-apis/bot/": rf"/open-apis/bot/(?:v2/)?hook/(?P<secret>{_PATH}{{6,}})",
    "sumologic.com/": rf"sumologic\.com/receiver/v1/http/(?P<secret>{_PATH}{{16,}})",
    "loggly.com/": rf"loggly\.com/(?:inputs|bulk)/(?P<secret>{_PATH}{{16,}})",
    "hook.": rf"hook\.[a-z0-9.]{{0,12}}(?:make|integromat)\.com/(?P<secret>{_PATH}{{8,}})",
    "hc-ping.com/": rf"hc-ping\.com/(?P<secret>{_PATH}{{8,}})",
    ".tines.com/webhook/": rf"tines\.com/webhook/(?P<secret>{_PATH}{{8,}})",
    "infura.io/v3/": r"infura\.io/v3/(?P<secret>[A-Za-z0-9_-]{16,})",
    "alchemy.com/v2/ alchemyapi.io/v2/": r"alchemy(?:api\.io|\.com)/v2/(?P<secret>[A-Za-z0-9_-]{16,})",
    "quiknode.pro/": r"quiknode\.pro/(?P<secret>[A-Za-z0-9_-]{16,})",
    "ankr.com/": r"ankr\.com/[a-z_]+/(?P<secret>[A-Za-z0-9_-]{16,})",
    "/hooks/": r"/hooks/(?P<secret>(?=[a-z0-9/]*[0-9])[A-Za-z0-9]{17,}(?:/[A-Za-z0-9]{17,})?)",
    "/webhook": r"/webhooks?(?:-test)?/(?P<secret>[0-9a-f]{8}-[0-9a-f-]{20,})",
    "/bot": r"/bot(?P<secret>[0-9]{6,12}:[A-Za-z0-9_-]{20,})",
}
"""URLs with a secret path: anybody who has one may post there."""

URLS = (*_PARTS, *(Rule(words, pattern) for words, pattern in _HOOKS.items()))
