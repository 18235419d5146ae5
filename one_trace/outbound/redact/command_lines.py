"""Secrets among the arguments of commands: options named so, and those of tools that are known by their letters."""

from __future__ import annotations

import re

from one_trace.outbound.redact.rule import Rule
from one_trace.outbound.redact.secret_names import strength
from one_trace.outbound.redact.value_kinds import (
    is_prose,
    is_word,
    looks_random,
    says_nothing,
)


def _is_option(match: re.Match[str]) -> bool:
    value = match["secret"].strip("\"'")
    if value.startswith("-") or says_nothing(value) or value.lower() in _OPTION_PROSE:
        return False
    if strength(match["name"]) is None:
        return False
    return not (match["name"].endswith("-stdin") or is_prose(value))


def _is_pair(match: re.Match[str]) -> bool:
    return not says_nothing(match["secret"]) and match["secret"].strip("\"'") not in (
        "user:password",
        "username:password",
        "name:password",
    )


_OPTION_PROSE = frozenset(
    "flag flags option options argument arguments parameter parameters switch is was are were be been "
    "being and or nor not no to must should can could cannot may might will would with without for "
    "from in on at by of as if when while where that which this these those it its the a an requires "
    "require required needs need expects expected takes has have had does do did instead value values "
    "before after again first only also both either neither provided specified given used set unset "
    "passed ignored deprecated removed invalid missing unknown unsupported conflicts mutually via "
    "using use into than then but because so ist und oder nicht et ou est y o es e é".split()
)
_ARG = r"(?P<secret>\"(?:\\.|[^\"\\]){1,4096}\"?|'[^']{1,4096}'?|[^\s\"'`|;&<>()]+)"
_TOOLS_P = r"(?:sshpass|docker|podman|buildah|skopeo|nerdctl|oc|helm|mongo|mongosh|mongodump|mongorestore|mongoexport|mongoimport|influx|cqlsh|arangosh|rabbitmqadmin|sqlcmd|osql|isql|bcp|az|ibmcloud|cf|ldapsearch|smbclient|7z|zip|unzip|rar|unrar|nxc|crackmapexec|vault|mosquitto_pub|mosquitto_sub|kinit|openstack|mc)"
OPTIONS = (
    Rule(
        "-h --header",
        r"(?:-H|--header)[ \t=]{1,4}[\"']?(?:X-)?(?:[A-Za-z]{1,20}-)?(?:Key|Token|Secret|Signature)[ \t]{0,4}:[ \t]{0,5}(?P<secret>[^\s\"']{6,})",
        flags=re.IGNORECASE,
    ),
    Rule(
        "-",
        rf"(?<![\w-])--?(?P<name>[A-Za-z][A-Za-z0-9_.-]{{1,60}})(?:[ \t]+|[ \t]*=[ \t]*){_ARG}",
        _is_option,
    ),
    Rule(
        "curl wget http xh",
        rf"\b(?:curl|wget|https?|xh|xhs|aria2c)\b[^\n|]{{0,400}}?\s(?:-[a-zA-Z]*[uUa]|--user|--proxy-user|--auth|--oauth2-bearer|--pass|--proxy-pass)(?:[ \t]*=[ \t]*|[ \t]*){_ARG}",
        lambda match: _is_pair(match) and (":" in match["secret"] or looks_random(match["secret"])),
    ),
    Rule(
        ":",
        r"(?<![\w-])(?:-u|--user|--proxy-user|-a|--auth|--creds?|--credentials)(?:[ \t]+|=)(?P<secret>\"[^\"\n]{1,256}:[^\"\n]{1,256}\"?|'[^'\n]{1,256}:[^'\n]{1,256}'?|[^\s\"':/]{1,256}:[^\s\"'/]{3,256})",
        _is_pair,
    ),
    Rule(
        "mysql mariadb",
        r"\b(?:mysql\w*|mariadb[\w-]*|mycli)\b[^\n|]{0,400}?\s-p(?P<secret>\"[^\"\n]+\"?|'[^'\n]+'?|[^\s\"'`|;&-][^\s\"'`|;&]*)",
    ),
    Rule(
        "sshpass docker podman helm mongo influx cqlsh arangosh rabbitmq sqlcmd osql isql bcp az ldapsearch smbclient 7z zip rar mosquitto redis-cli vault skopeo oc cf openstack nerdctl buildah",
        rf"\b{_TOOLS_P}\b[^\n|]{{0,400}}?\s-[pPw][ \t]*{_ARG}",
        lambda match: (
            not match["secret"].startswith("-")
            and not says_nothing(match["secret"])
            and re.match(r"\d+(?::\d+)+\Z|\d{1,5}\Z", match["secret"]) is None
        ),
    ),
    Rule("redis-cli", rf"\bredis-cli\b[^\n|]{{0,400}}?\s(?:-a|--pass)[ \t]*{_ARG}"),
    Rule(
        "auth",
        rf"(?m:^|[>\"'\s])AUTH[ \t]+(?:(?!PLAIN|LOGIN|XOAUTH2|CRAM)\S+[ \t]+)?{_ARG}",
        lambda match: looks_random(match["secret"], 6),
    ),
    Rule("auth", r"\bAUTH (?:PLAIN|LOGIN|XOAUTH2) (?P<secret>[A-Za-z0-9+/=]{8,})"),
    Rule(
        "smbclient net rpcclient",
        r"\b(?:smbclient|rpcclient|net)\b[^\n|]{0,400}?\s-U[ \t]*\S*?%(?P<secret>\S+)",
    ),
    Rule(
        "pass:",
        rf"\bpass:{_ARG}",
        lambda match: looks_random(match["secret"], 6) or not is_word(match["secret"]),
    ),
    Rule("sqlplus", r"\bsqlplus\b[^\n]{0,200}?\s[A-Za-z0-9_]+/(?P<secret>[^\s@]+)(?=@|\s|\Z)"),
    Rule(
        "keytool jarsigner -storepass -keypass",
        rf"-(?:storepass|keypass|srcstorepass|deststorepass)[ \t]+{_ARG}",
    ),
    Rule("htpasswd", rf"\bhtpasswd\b[^\n]{{0,200}}?-[a-zA-Z]*b[a-zA-Z]*\s+\S+\s+\S+\s+{_ARG}"),
    Rule(
        "env arg set requirepass masterauth",
        rf"(?<![\w-])(?:ENV|ARG|setx|(?:config )?set|CONFIG SET|secret set)[ \t]+(?P<name>[\w./:-]{{2,100}})[ \t]+{_ARG}",
        lambda match: strength(match["name"]) is not None and looks_random(match["secret"], 6),
        re.IGNORECASE,
    ),
    Rule("requirepass masterauth", rf"\b(?:requirepass|masterauth)[ \t]+{_ARG}"),
    Rule("openssl", rf"\bopenssl\b[^\n|]{{0,400}}?\s-k[ \t]+{_ARG}"),
    Rule("<<<", rf"<<<[ \t]*{_ARG}", lambda match: looks_random(match["secret"], 6)),
    Rule("jdbc:oracle", r"jdbc:oracle:\w+:[\w.$]{1,60}/(?P<secret>[^\s@]{1,200})(?=@)", flags=re.IGNORECASE),
    Rule("machine login", rf"\blogin\s+\S+\s+password\s+{_ARG}"),
    Rule(
        "echo printf",
        rf"\b(?:echo|printf)\s+(?:-n\s+)?{_ARG}[ \t]*\|[ \t]*(?:sudo -S|docker login|gh auth|base64 -d|gpg|kinit|helm registry login|npm login|[^\n|]{{0,60}}--password-stdin|[^\n|]{{0,60}}--with-token)",
    ),
    Rule(
        "identified password",
        r"\b(?:IDENTIFIED\s+(?:WITH\s+\S+\s+)?BY|(?:ENCRYPTED\s+)?PASSWORD)\s+(?:PASSWORD\s+)?'(?P<secret>(?:''|[^'])+)'?",
        lambda match: not says_nothing(match["secret"]) and not is_prose(match["secret"]),
        re.IGNORECASE,
    ),
    Rule("net use", r"\bnet use\b[^\n]{0,200}?/user:\S+\s+(?P<secret>\S+)", flags=re.IGNORECASE),
)
