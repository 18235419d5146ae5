"""Secrets as protocols, vaults and the settings of machines write them."""

from __future__ import annotations

import re

from one_trace.outbound.redact.rule import Rule
from one_trace.outbound.redact.secret_names import strength
from one_trace.outbound.redact.value_kinds import is_prose, is_word, looks_random, says_nothing

_WORD = r"(?P<secret>\"(?:\\.|[^\"\\\n]){1,256}\"?|'[^'\n]{1,256}'?|[^\s\"'`|;&<>()]{3,256})"


def _is_value(match: re.Match[str]) -> bool:
    value = match["secret"]
    return not (says_nothing(value) or is_prose(value) or value.startswith("-"))


def _is_unlike_prose(match: re.Match[str]) -> bool:
    return _is_value(match) and not is_word(match["secret"].strip("\"'"))


PROTOCOLS = (
    # FTP, POP3, IMAP, IRC
    Rule("pass", rf"\bUSER \S+[\s>:C]{{1,12}}PASS {_WORD}", _is_value),
    Rule("pass", rf"(?m:^)[ \t]{{0,8}}(?:>|-->|C:|--->)\s{{0,4}}PASS {_WORD}", _is_value),
    Rule("login", rf"(?<![\w.])[A-Za-z0-9.]{{1,10}} LOGIN \S+ {_WORD}", _is_unlike_prose),
    Rule(
        "identify", rf"(?i:\bnickserv)\b[^\n]{{0,40}}\bIDENTIFY (?:[^\s\"']+ (?=[^\s\"']))?{_WORD}", _is_value
    ),
    # Machines: SNMP, Cisco, Windows, OpenVPN, LDAP
    Rule("snmp", rf"\bsnmp\w*\b[^\n|]{{0,200}}?\s-[AXc][ \t]*{_WORD}"),
    Rule("snmp", rf"\bsnmp\w*\b[^\n|]{{0,200}}\s-X[ \t]*{_WORD}"),
    Rule("password secret", r"\b(?:password|secret) [0-9] (?P<secret>[A-Za-z0-9$./]{8,})"),
    Rule(":::", r"(?<![0-9A-Fa-f])(?P<secret>[0-9A-Fa-f]{32}:[0-9A-Fa-f]{32}):::"),
    Rule("auth-user-pass", rf"\bauth-user-pass \S+ {_WORD}", _is_value),
    Rule("bindpw rootpw", rf"\b(?:bindpw|rootpw)[ \t]+{_WORD}", _is_value),
    Rule("net user", rf"\bnet user \S+ {_WORD} /add", flags=re.IGNORECASE),
    Rule("securestring", rf"\bConvertTo-SecureString\s+(?:-String\s+)?{_WORD}", _is_value, re.IGNORECASE),
    # What a vault or a set-up prints
    Rule("unseal", r"\bUnseal Key \d{1,2}[^:\n]{0,20}:\s{0,4}(?P<secret>\S{16,})"),
    Rule("$ansible_vault", r"\$ANSIBLE_VAULT;[\w.;-]{1,60}(?P<secret>(?:\s{1,20}[0-9a-f]{8,})+)"),
    Rule("password", rf"\bPASSWORD \w{{1,40}} = {_WORD}", _is_value),
    Rule("bundle_", r"\bBUNDLE_[A-Z0-9_]*__[A-Z0-9_]*=(?P<secret>\S+:\S+)"),
    Rule("secret_id", r"\bsecret_id[\"']?\s?[:=]\s?[\"']?(?P<secret>[0-9a-f]{8}-[0-9a-f-]{20,})"),
    Rule(".aspxauth=", r"\.ASPXAUTH=(?P<secret>\w{16,})"),
    Rule("psk", rf":\s?PSK {_WORD}", _is_value),
    Rule("334 ugfzc3dvcmq6", r"334 UGFzc3dvcmQ6\s+(?:C: |> )?(?P<secret>[A-Za-z0-9+/=]{4,})"),
    # Databases and dumps
    Rule(
        "set password for",
        rf"\bSET PASSWORD FOR [^=\n]{{1,100}}=\s?(?:PASSWORD\()?{_WORD}",
        _is_value,
        re.IGNORECASE,
    ),
    Rule(
        "insert into",
        r"\bINSERT INTO [^()\n]{1,100}\([^()]{0,400}(?:password|passwd|secret|token|api_?key)[^()]{0,400}\)\s{0,20}VALUES\s{0,20}\((?P<secret>[^()]{1,2000})",
        flags=re.IGNORECASE,
    ),
    Rule(".auth(", rf"\bdb\.auth\([^,()\n]{{1,100}},\s{{0,4}}{_WORD}"),
    Rule(
        "]=>",
        r"\[\"(?P<name>[^\"\n]{1,100})\"\]=>\s{0,20}string\([0-9]+\) \"(?P<secret>[^\"\n]{1,4096})",
        lambda match: strength(match["name"]) is not None and _is_value(match),
    ),
    # The part of a form
    Rule(
        "name=",
        r"\bname=\"(?P<name>[^\"\n]{1,100})\"(?:\r?\n[^\r\n]{1,200}){0,4}\r?\n\r?\n(?P<secret>[^\r\n]{1,4096})",
        lambda match: strength(match["name"]) is not None and _is_value(match),
    ),
    # Tools
    Rule("ssh-keygen", rf"\bssh-keygen\b[^\n|]{{0,200}}?\s-[NP][ \t]*{_WORD}", _is_value),
    Rule("security", rf"\bsecurity add-\w+-password\b[^\n|]{{0,200}}?\s-w[ \t]*{_WORD}", _is_value),
    Rule("plink pscp psftp", rf"\b(?:plink|pscp|psftp)\b[^\n|]{{0,200}}?\s-pw[ \t]+{_WORD}", _is_value),
    Rule("signtool", rf"\bsigntool\b[^\n|]{{0,200}}?\s/p {_WORD}", _is_value),
    Rule("wpa_passphrase", rf"\bwpa_passphrase \S+ {_WORD}", _is_value),
    Rule("set --secret", rf"\bconfig set --secret \S+ {_WORD}", _is_value),
    Rule(
        "curl",
        r"\bcurl\b[^\n|]{0,400}?\s(?:-b|--cookie)[ \t]*(?P<secret>\"[^\"\n]*=[^\"\n]*\"?|'[^'\n]*=[^'\n]*'?|[^\s=]+=\S+)",
    ),
    Rule("/p:", rf"(?<!\S)/p:{_WORD}", _is_unlike_prose),
    Rule("lftp", rf"\blftp\b[^\n|]{{0,200}}?\s-u[ \t]*[^\s,]{{1,60}},{_WORD}"),
    Rule(
        "wandb login", rf"\bwandb login\b(?:\s+--\S+)*\s+{_WORD}", lambda match: looks_random(match["secret"])
    ),
    Rule(
        "chpasswd",
        r"[\"'\s][\w.-]{1,40}:(?P<secret>[^\s\"'|:]{3,200})[\"']?\s{0,4}\|\s{0,4}(?:sudo )?chpasswd",
    ),
    Rule(
        "send",
        rf"\bsend(?:_user)? (?:-- )?{_WORD}[^\n]{{0,40}}\b[Pp]assword",
        lambda match: looks_random(match["secret"], 6),
    ),
)
