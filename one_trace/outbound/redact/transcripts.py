"""Secrets in what other programs print: sessions of protocols, vaults, settings of devices, database dumps."""

from __future__ import annotations

import re

from one_trace.outbound.redact.command_lines import ARGUMENT, is_argument, is_mixed
from one_trace.outbound.redact.rule import Rule
from one_trace.outbound.redact.secret_names import strength
from one_trace.outbound.redact.value_kinds import is_word


def _is_named(match: re.Match[str]) -> bool:
    return strength(match["name"]) is not None and is_argument(match)


TRANSCRIPTS = (
    # FTP, POP3, IMAP, IRC, SMTP
    Rule("pass", rf"\bUSER \S+[\s>:C]{{1,12}}PASS {ARGUMENT}", is_argument),
    Rule("pass", rf"(?m:^)[ \t]{{0,8}}(?:>|-->|C:|--->)\s{{0,4}}PASS {ARGUMENT}", is_argument),
    Rule(
        "login",
        rf"(?<![\w.])[A-Za-z0-9.]{{1,10}} LOGIN \S+ {ARGUMENT}",
        lambda match: is_argument(match) and not is_word(match["secret"].strip("\"'")),
    ),
    Rule(
        "identify",
        rf"(?i:\bnickserv)\b[^\n]{{0,40}}\bIDENTIFY (?:[^\s\"']+ (?=[^\s\"']))?{ARGUMENT}",
        is_argument,
    ),
    Rule("334 ugfzc3dvcmq6", r"334 UGFzc3dvcmQ6\s+(?:C: |> )?(?P<secret>[A-Za-z0-9+/=]{4,})"),
    Rule("send", rf"\bsend(?:_user)? (?:-- )?{ARGUMENT}[^\n]{{0,40}}\b[Pp]assword", is_mixed),
    # Settings of Cisco devices, Windows, OpenVPN, LDAP, Wi-Fi
    Rule("password secret", r"\b(?:password|secret) [0-9] (?P<secret>[A-Za-z0-9$./]{8,})"),
    Rule(":::", r"(?<![0-9A-Fa-f])(?P<secret>[0-9A-Fa-f]{32}:[0-9A-Fa-f]{32}):::"),
    Rule("auth-user-pass", rf"\bauth-user-pass \S+ {ARGUMENT}", is_argument),
    Rule("bindpw rootpw", rf"\b(?:bindpw|rootpw)[ \t]+{ARGUMENT}", is_argument),
    Rule("psk", rf":\s?PSK {ARGUMENT}", is_argument),
    # Vaults and installers
    Rule("unseal", r"\bUnseal Key \d{1,2}[^:\n]{0,20}:\s{0,4}(?P<secret>\S{16,})"),
    Rule("$ansible_vault", r"\$ANSIBLE_VAULT;[\w.;-]{1,60}(?P<secret>(?:\s{1,20}[0-9a-f]{8,})+)"),
    Rule("password", rf"\bPASSWORD \w{{1,40}} = {ARGUMENT}", is_argument),
    Rule("bundle_", r"\bBUNDLE_[A-Z0-9_]*__[A-Z0-9_]*=(?P<secret>\S+:\S+)"),
    Rule("secret_id", r"\bsecret_id[\"']?\s?[:=]\s?[\"']?(?P<secret>[0-9a-f]{8}-[0-9a-f-]{20,})"),
    Rule(".aspxauth=", r"\.ASPXAUTH=(?P<secret>\w{16,})"),
    # Databases and dumps
    Rule(
        "set password for",
        rf"\bSET PASSWORD FOR [^=\n]{{1,100}}=\s?(?:PASSWORD\()?{ARGUMENT}",
        is_argument,
        re.IGNORECASE,
    ),
    Rule(
        "insert into",
        r"\bINSERT INTO [^()\n]{1,100}\([^()]{0,400}(?:password|passwd|secret|token|api_?key)[^()]{0,400}\)\s{0,20}VALUES\s{0,20}\((?P<secret>[^()]{1,2000})",
        flags=re.IGNORECASE,
    ),
    Rule(".auth(", rf"\bdb\.auth\([^,()\n]{{1,100}},\s{{0,4}}{ARGUMENT}"),
    Rule(
        "]=>",
        r"\[\"(?P<name>[^\"\n]{1,100})\"\]=>\s{0,20}string\([0-9]+\) \"(?P<secret>[^\"\n]{1,4096})",
        _is_named,
    ),
    # A part of a multipart form
    Rule(
        "name=",
        r"\bname=\"(?P<name>[^\"\n]{1,100})\"(?:\r?\n[^\r\n]{1,200}){0,4}\r?\n\r?\n(?P<secret>[^\r\n]{1,4096})",
        _is_named,
    ),
)
