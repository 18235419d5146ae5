"""Whether the value in the place of a secret is one, or a placeholder, a reference, prose, code or a number.

A new word that means "no value" goes into `_NOTHING`, a new word of error messages into `_PROSE`.
"""

from __future__ import annotations

import re

REDACTED = "[REDACTED]"

_NOTHING = frozenset(
    "null none nil undefined true false nan yes no on off empty string str number int integer bool "
    "boolean object array dict list any unknown missing required optional invalid expired wrong "
    "incorrect denied rejected failed failure error errors unauthorized forbidden bad absent revoked "
    "malformed unsupported unexpected expected disabled enabled default success ok eof redacted "
    "hidden masked removed omitted secret password token key value changeme here basic bearer digest "
    "negotiate ntlm oauth oauth2 bytes buffer function promise symbol passed pending skipped running "
    "todo strict lax header cookie not_found not-set unset n/a punctuator identifier keyword numeric "
    "template eos newline indent dedent comment type text json html end-of-input ungültig "
    "erforderlich fehlt falsch invalide requis manquant incorrecto inválido inválida obligatorio "
    "obligatoire requerido requerida ausente vacío vazio vide leer".split()
)
_REFERENCE = re.compile(
    r"\$\{[^}]*\}?|\$\$?[A-Z_][A-Z0-9_]*(?![\w.!@#-])|\$\([^)]*\)?|\{\{.*|<[^<>]*>|%\(?[A-Za-z_]*\)?[sd]?%?\Z|%[A-Z_]+%"
    r"|\[(?:REDACTED|redacted|FILTERED|filtered|MASKED|masked|HIDDEN|hidden|object [A-Za-z]+|Function|Object|Array|secure)\b[^\]]*\]?"
    r"|\*{2,}|[xX]{3,}\Z|•+|\.{3}|…|#{3,}|-{3,}|(?:process|import|os|secrets|env|vars|ENV|config)[.\[][\w.\[\]'\"]*"
    r"|(?:your|my)[-_ ][a-z_-]*(?:here|key|token|secret|password)?\Z",
)
_PROSE = re.compile(
    r"(?:\A|[\s'\"(])(?:must|should|cannot|can't|could not|couldn't|may not|required|requires|invalid|incorrect|missing|mismatch|too short|"
    r"too long|too weak|is not|isn't|are not|was not|not found|not a|not set|not valid|not allowed|not provided|no longer|at least|at most|"
    r"characters|expected|unexpected|does not|do not|doesn't|don't|did not|failed|failure|has been|have been|"
    r"has expired|expired|wrong|blank|denied|unsupported|malformed|unable|unknown|cannot be|error|please|"
    r"muss|müssen|mindestens|ungültig\w*|falsch\w*|fehlt|erforderlich|nicht|kein\w*|abgelaufen|"
    r"doit|doivent|requis\w*|invalide|incorrecte?|manquante?|caract\wres|expir\w+|n'est|"
    r"debe|deben|obligatori\w+|inv[aá]lid\w+|requerid\w+|falta|caracteres|incorrect[ao]|caducad\w+|no es|"
    r"deve|devem|obrigat\w+|ausente|senha incorreta|expirou|não|"
    r"должен|неверн\w+)(?![\w-])|无效|不能|必须|错误|失败|無効|必須|エラー|失敗",
    re.IGNORECASE,
)
_LETTERS = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*[.,:;!?…)]*\Z")
_CALL = re.compile(r"(?:await |new )?[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*\(")
_MEMBER = re.compile(r"[A-Za-z_$][a-zA-Z_$]*(?:\??\.[A-Za-z_$][a-zA-Z_$]*)+[;,)]*\Z")
_PUNCTUATION = re.compile(r"[^\w]{1,4}\Z")
_COUNT = re.compile(r"[\d.,]{1,7}(?:ms|s|k|%)?\Z")
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\Z")


def is_placeholder(value: str) -> bool:
    """No value at all: a placeholder, a type, a word for its absence, a reference to where it is kept."""
    bare = value.strip().strip("\"'`").rstrip(".,;:!?)]}")
    if bare.lower() in _NOTHING or _PUNCTUATION.match(value.strip()):
        return True
    return not bare or _REFERENCE.match(value.strip()) is not None


def is_prose(value: str) -> bool:
    """A sentence about the secret: some words, one of them typical of error messages."""
    return (len(value.split()) >= 2 or not value.isascii()) and _PROSE.search(value) is not None


def is_stated(value: str) -> bool:
    """Neither a placeholder nor prose: some value is given."""
    return not is_placeholder(value) and not is_prose(value)


def is_code(value: str) -> bool:
    """A call or a chain of members that yields the value in a program."""
    return _CALL.match(value) is not None or _MEMBER.match(value) is not None


def is_count(value: str) -> bool:
    return _COUNT.match(value) is not None


def is_word(value: str) -> bool:
    """Letters alone, as in prose: lower case, capitalised, or all capitals."""
    if _LETTERS.match(value) is None:
        return False
    bare = value.rstrip(".,:;!?…)")
    return bare.islower() or bare.isupper() or bare.istitle() or bare[1:].islower() or not bare.isascii()


def looks_random(value: str, least: int = 8) -> bool:
    """At least `least` characters, mixed as in no word: digits among letters, inner capitals, symbols."""
    bare = value.strip("\"'`").rstrip(".,;:!?)]}")
    if len(bare) < least or is_word(bare) or "://" in bare:
        return False
    has_digit, has_letter = any(c.isdigit() for c in bare), any(c.isalpha() for c in bare)
    if has_digit and has_letter:
        return True
    mixed = any(c.islower() for c in bare) and any(c.isupper() for c in bare[1:])
    symbols = any(not c.isalnum() and c not in "-_./:,'\"()[]{}<>" for c in bare)
    return has_letter and (mixed or symbols)


def is_uuid(value: str) -> bool:
    return _UUID.match(value) is not None
