"""Secrets in command lines: options that are named as secrets, and the options of known tools.

A new tool is one `Rule` in `COMMAND_LINES`, made by `_option` where the secret follows an option of it.
"""

from __future__ import annotations

import re

from one_trace.outbound.redact.rule import Judge, Rule
from one_trace.outbound.redact.secret_names import strength
from one_trace.outbound.redact.value_kinds import (
    is_placeholder,
    is_prose,
    is_stated,
    is_word,
    looks_random,
)

ARGUMENT = r"(?P<secret>\"(?:\\.|[^\"\\]){1,4096}\"?|'[^']{1,4096}'?|[^\s\"'`|;&<>()]+)"
"""A word of a shell, in quotes or without."""
_OPTION_PROSE = frozenset(
    "flag flags option options argument arguments parameter parameters switch is was are were be been "
    "being and or nor not no to must should can could cannot may might will would with without for "
    "from in on at by of as if when while where that which this these those it its the a an requires "
    "require required needs need expects expected takes has have had does do did instead value values "
    "before after again first only also both either neither provided specified given used set unset "
    "passed ignored deprecated removed invalid missing unknown unsupported conflicts mutually via "
    "using use into than then but because so ist und oder nicht et ou est y o es e é".split()
)
_TOOLS_P = r"sshpass|docker|podman|buildah|skopeo|nerdctl|oc|helm|mongo|mongosh|mongodump|mongorestore|mongoexport|mongoimport|influx|cqlsh|arangosh|rabbitmqadmin|sqlcmd|osql|isql|bcp|az|ibmcloud|cf|ldapsearch|smbclient|7z|zip|unzip|rar|unrar|nxc|crackmapexec|vault|mosquitto_pub|mosquitto_sub|kinit|openstack|mc"


def _is_option(match: re.Match[str]) -> bool:
    value = match["secret"].strip("\"'")
    if value.startswith("-") or is_placeholder(value) or value.lower() in _OPTION_PROSE:
        return False
    if strength(match["name"]) is None:
        return False
    return not (match["name"].endswith("-stdin") or is_prose(value))


def _is_login(match: re.Match[str]) -> bool:
    examples = ("user:password", "username:password", "name:password")
    return not is_placeholder(match["secret"]) and match["secret"].strip("\"'") not in examples


def _is_password(match: re.Match[str]) -> bool:
    """Not a port, a mapping of ports, or another option."""
    value = match["secret"]
    number = re.match(r"\d+(?::\d+)+\Z|\d{1,5}\Z", value)
    return not value.startswith("-") and not is_placeholder(value) and number is None


def is_argument(match: re.Match[str]) -> bool:
    return is_stated(match["secret"]) and not match["secret"].startswith("-")


def is_mixed(match: re.Match[str]) -> bool:
    return looks_random(match["secret"], 6)


def _option(words: str, tools: str, options: str, judge: Judge | None = None) -> Rule:
    """The argument of one of `options` somewhere behind one of `tools`, both of them patterns."""
    return Rule(words, rf"\b(?:{tools})\b[^\n|]{{0,400}}?\s(?:{options})[ \t]*{ARGUMENT}", judge)


COMMAND_LINES = (
    Rule(
        "-h --header",
        r"(?:-H|--header)[ \t=]{1,4}[\"']?(?:X-)?(?:[A-Za-z]{1,20}-)?(?:Key|Token|Secret|Signature)[ \t]{0,4}:[ \t]{0,5}(?P<secret>[^\s\"']{6,})",
        flags=re.IGNORECASE,
    ),
    Rule(
        "-",
        rf"(?<![\w-])--?(?P<name>[A-Za-z][A-Za-z0-9_.-]{{1,60}})(?:[ \t]+|[ \t]*=[ \t]*){ARGUMENT}",
        _is_option,
    ),
    Rule(
        ":",
        r"(?<![\w-])(?:-u|--user|--proxy-user|-a|--auth|--creds?|--credentials)(?:[ \t]+|=)(?P<secret>\"[^\"\n]{1,256}:[^\"\n]{1,256}\"?|'[^'\n]{1,256}:[^'\n]{1,256}'?|[^\s\"':/]{1,256}:[^\s\"'/]{3,256})",
        _is_login,
    ),
    # HTTP clients
    Rule(
        "curl wget http xh",
        rf"\b(?:curl|wget|https?|xh|xhs|aria2c)\b[^\n|]{{0,400}}?\s(?:-[a-zA-Z]*[uUa]|--user|--proxy-user|--auth|--oauth2-bearer|--pass|--proxy-pass)(?:[ \t]*=[ \t]*|[ \t]*){ARGUMENT}",
        lambda match: _is_login(match) and (":" in match["secret"] or looks_random(match["secret"])),
    ),
    Rule(
        "curl",
        r"\bcurl\b[^\n|]{0,400}?\s(?:-b|--cookie)[ \t]*(?P<secret>\"[^\"\n]*=[^\"\n]*\"?|'[^'\n]*=[^'\n]*'?|[^\s=]+=\S+)",
    ),
    # Databases and servers
    Rule(
        "mysql mariadb",
        r"\b(?:mysql\w*|mariadb[\w-]*|mycli)\b[^\n|]{0,400}?\s-p(?P<secret>\"[^\"\n]+\"?|'[^'\n]+'?|[^\s\"'`|;&-][^\s\"'`|;&]*)",
    ),
    _option(
        "sshpass docker podman helm mongo influx cqlsh arangosh rabbitmq sqlcmd osql isql bcp az ldapsearch smbclient 7z zip rar mosquitto redis-cli vault skopeo oc cf openstack nerdctl buildah",
        _TOOLS_P,
        "-[pPw]",
        _is_password,
    ),
    _option("redis-cli", "redis-cli", "-a|--pass"),
    Rule("requirepass masterauth", rf"\b(?:requirepass|masterauth)[ \t]+{ARGUMENT}"),
    Rule("sqlplus", r"\bsqlplus\b[^\n]{0,200}?\s[A-Za-z0-9_]+/(?P<secret>[^\s@]+)(?=@|\s|\Z)"),
    Rule("jdbc:oracle", r"jdbc:oracle:\w+:[\w.$]{1,60}/(?P<secret>[^\s@]{1,200})(?=@)", flags=re.IGNORECASE),
    Rule(
        "identified password",
        r"\b(?:IDENTIFIED\s+(?:WITH\s+\S+\s+)?BY|(?:ENCRYPTED\s+)?PASSWORD)\s+(?:PASSWORD\s+)?'(?P<secret>(?:''|[^'])+)'?",
        lambda match: is_stated(match["secret"]),
        re.IGNORECASE,
    ),
    # Windows and networks
    Rule(
        "smbclient net rpcclient",
        r"\b(?:smbclient|rpcclient|net)\b[^\n|]{0,400}?\s-U[ \t]*\S*?%(?P<secret>\S+)",
    ),
    Rule("net use", r"\bnet use\b[^\n]{0,200}?/user:\S+\s+(?P<secret>\S+)", flags=re.IGNORECASE),
    Rule("net use", r"\bnet use\b[^\n]{0,200}?\s(?P<secret>[^\s\\/:*]{3,})[ \t]+/user:", flags=re.IGNORECASE),
    Rule("net user", rf"\bnet user \S+ {ARGUMENT} /add", flags=re.IGNORECASE),
    Rule(
        "securestring", rf"\bConvertTo-SecureString\s+(?:-String\s+)?{ARGUMENT}", is_argument, re.IGNORECASE
    ),
    Rule(
        "/p:",
        rf"(?<!\S)/p:{ARGUMENT}",
        lambda match: is_argument(match) and not is_word(match["secret"].strip("\"'")),
    ),
    _option("signtool", "signtool", "/p(?= )", is_argument),
    _option("snmp", r"snmp\w*", "-[AXc]"),
    Rule("snmp", rf"\bsnmp\w*\b[^\n|]{{0,200}}\s-X[ \t]*{ARGUMENT}"),
    Rule("wpa_passphrase", rf"\bwpa_passphrase \S+ {ARGUMENT}", is_argument),
    Rule("lftp", rf"\blftp\b[^\n|]{{0,200}}?\s-u[ \t]*[^\s,]{{1,60}},{ARGUMENT}"),
    # Keys and certificates
    _option("ssh-keygen", "ssh-keygen", "-[NP]", is_argument),
    _option("security", r"security add-\w+-password", "-w", is_argument),
    _option("plink pscp psftp", "plink|pscp|psftp", r"-pw(?=[ \t])", is_argument),
    _option("openssl", "openssl", r"-k(?=[ \t])"),
    Rule(
        "keytool jarsigner -storepass -keypass",
        rf"-(?:storepass|keypass|srcstorepass|deststorepass)[ \t]+{ARGUMENT}",
    ),
    Rule("pass:", rf"\bpass:{ARGUMENT}", lambda match: is_mixed(match) or not is_word(match["secret"])),
    # Logins and settings
    Rule("auth", r"\bAUTH (?:PLAIN|LOGIN|XOAUTH2) (?P<secret>[A-Za-z0-9+/=]{8,})"),
    Rule("auth", rf"(?m:^|[>\"'\s])AUTH[ \t]+(?:(?!PLAIN|LOGIN|XOAUTH2|CRAM)\S+[ \t]+)?{ARGUMENT}", is_mixed),
    Rule("machine login", rf"\blogin\s+\S+\s+password\s+{ARGUMENT}"),
    Rule("htpasswd", rf"\bhtpasswd\b[^\n]{{0,200}}?-[a-zA-Z]*b[a-zA-Z]*\s+\S+\s+\S+\s+{ARGUMENT}"),
    Rule("set --secret", rf"\bconfig set --secret \S+ {ARGUMENT}", is_argument),
    Rule(
        "wandb login",
        rf"\bwandb login\b(?:\s+--\S+)*\s+{ARGUMENT}",
        lambda match: looks_random(match["secret"]),
    ),
    Rule(
        "env arg set requirepass masterauth",
        rf"(?<![\w-])(?:ENV|ARG|setx|(?:config )?set|CONFIG SET|secret set)[ \t]+(?P<name>[\w./:-]{{2,100}})[ \t]+{ARGUMENT}",
        lambda match: strength(match["name"]) is not None and is_mixed(match),
        re.IGNORECASE,
    ),
    # Standard input
    Rule("<<<", rf"<<<[ \t]*{ARGUMENT}", is_mixed),
    Rule(
        "echo printf",
        rf"\b(?:echo|printf)\s+(?:-n\s+)?{ARGUMENT}[ \t]*\|[ \t]*(?:sudo -S|docker login|gh auth|base64 -d|gpg|kinit|helm registry login|npm login|[^\n|]{{0,60}}--password-stdin|[^\n|]{{0,60}}--with-token)",
    ),
    Rule(
        "chpasswd",
        r"[\"'\s][\w.-]{1,40}:(?P<secret>[^\s\"'|:]{3,200})[\"']?\s{0,4}\|\s{0,4}(?:sudo )?chpasswd",
    ),
)
