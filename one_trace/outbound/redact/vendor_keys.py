"""Tokens that say themselves what they are: the vendors' own prefixes and shapes.

Formats as the vendors publish them, and as the public secret scanners know them; the patterns are our own, and
generous: a tail of any length is part of the token, and a token that was cut is one still. A prefix that
could stand in a word of prose has a boundary before it and asks for more after it.
"""

from __future__ import annotations

import re

from one_trace.outbound.redact.rule import Rule

_TAIL = r"[A-Za-z0-9_=-]"
_B64 = r"[A-Za-z0-9+/_=-]"
_DOTTED = r"[A-Za-z0-9_.~+/=-]"
_SEPARATORS = re.compile(r"[^A-Za-z0-9]")
_LONG_WORD = 16
_NO_WORD = r"(?<![A-Za-z0-9])"


def _prefixed(prefixes: str, tail: str, least: int, *, sure: bool = False) -> list[Rule]:
    """Tokens that begin with one of `prefixes`, and go on for `least` characters or more.

    `sure`: no word of prose or code has such a prefix, so whatever stands before and behind it is no excuse.
    """
    return [_token(prefix, tail, least, sure=sure) for prefix in prefixes.split()]


def _token(prefix: str, tail: str, least: int, *, sure: bool) -> Rule:
    pattern = f"{re.escape(prefix)}{tail}{{{least},}}"
    if sure:
        return Rule(prefix.lower(), pattern)
    return Rule(prefix.lower(), _NO_WORD + pattern, lambda match: _is_random(match[0][len(prefix) :]))


def _is_random(tail: str) -> bool:
    """No identifier: a digit among the characters, capitals among small letters, or no word that is so long."""
    mixed = tail != tail.lower() and tail != tail.upper()
    return mixed or any(c.isdigit() for c in tail) or max(map(len, _SEPARATORS.split(tail))) >= _LONG_WORD


def _has_random_tail(match: re.Match[str]) -> bool:
    return _is_random(match[0][3:])


UNMISTAKABLE = (
    *_prefixed("ghp_ gho_ ghu_ ghs_ ghr_ github_pat_", r"[A-Za-z0-9_.-]", 4, sure=True),
    *_prefixed(
        "glpat- gldt- glrt- glrtr- glcbt- glptt- glft- glimt- glagent- gloas- glsoat- glffct- glwt- GR1348941 _gitlab_session=",
        _DOTTED,
        8,
        sure=True,
    ),
    *_prefixed(
        "sk-ant- sk-proj- sk-svcacct- sk-admin- sk-service- sk-or-v1- sk-or- sk-lf- pk-lf- sk-None-",
        _TAIL,
        8,
        sure=True,
    ),
    *_prefixed(
        "sk_live_ sk_test_ rk_live_ rk_test_ pk_live_ pk_test_ sk_prod_ rk_prod_ ak_live_ ak_test_",
        r"[A-Za-z0-9_=.-]",
        6,
        sure=True,
    ),
    *_prefixed("whsec_ pi_live_ hooksecret_ polar_oat_ lsk_live_ dsk_live_", _B64, 8),
    *_prefixed(
        "xoxb- xoxp- xoxa- xoxr- xoxs- xoxo- xoxc- xoxd- xoxe- xoxe. xapp- xwfp-",
        r"[A-Za-z0-9.%/+_-]",
        8,
        sure=True,
    ),
    *_prefixed("AKIA ASIA ABIA ACCA A3T AROA AIDA AGPA ANPA AIPA ANVA", r"[A-Z0-9]", 12),
    *_prefixed("ABSK bedrock-api-key-", _B64, 20),
    *_prefixed("AIza", _TAIL, 20, sure=True),
    *_prefixed("ya29. GOCSPX- 1//0 4/0A", r"[A-Za-z0-9_./-]", 10),
    *_prefixed("dop_v1_ doo_v1_ dor_v1_ DO00", r"[A-Za-z0-9]", 12),
    *_prefixed("hvs. hvb. hvr.", _TAIL, 12),
    *_prefixed("npm_", r"[A-Za-z0-9]", 16),
    *_prefixed("pypi-AgE pypi-", r"[A-Za-z0-9_-]", 16),
    *_prefixed("rubygems_ CLOJARS_ cio crates_io_ cargo_ oy2", r"[A-Za-z0-9_-]", 24),
    *_prefixed("shpat_ shpca_ shppa_ shpss_ shpua_ shptka_", r"[A-Za-z0-9]", 12),
    *_prefixed(
        "sq0atp- sq0csp- sq0idp- sandbox-sq0 EAAA EAAC EAAM EAAB EAAG EAAD EAAE EAAF EAAH EAAI EAAJ EAAK EAAL EAAN",
        _TAIL,
        20,
    ),
    *_prefixed("SG.", r"[A-Za-z0-9_.=-]", 16),
    *_prefixed("key- pubkey- private-key-", r"[a-f0-9]", 24),
    *_prefixed("xkeysib- xsmtpsib- mlsn. phx_ phc_ phs_", r"[A-Za-z0-9_.-]", 20),
    *_prefixed("ATATT3 ATCTT3 ATBB BBDC- ATOA", r"[A-Za-z0-9_=+/.-]", 16),
    *_prefixed("lin_api_ lin_oauth_ lin_wh_", r"[A-Za-z0-9_]", 12),
    *_prefixed("ntn_ secret_", r"[A-Za-z0-9]", 24),
    *_prefixed("figd_ figp_ figu_ figo_ figur_ figoh_ figdh_", r"[A-Za-z0-9_=-]", 16),
    *_prefixed("pat-na1- pat-na2- pat-eu1- pat-ap1-", r"[A-Za-z0-9-]", 24),
    *_prefixed("dckr_pat_ dckr_oat_", _TAIL, 12),
    *_prefixed("hf_ api_org_ r8_", r"[A-Za-z0-9_-]", 20),
    *_prefixed(
        "gsk_ xai- pplx- fw_ tgp_v1_ tgp_ nvapi- jina_ tvly- fc- exa- esecret_ e2b_ pcsk_ csk- pa- lsv2_ cpk_",
        _TAIL,
        20,
    ),
    *_prefixed("key_live_ key_test_", _TAIL, 16),
    *_prefixed("live_ test_", r"[A-Za-z0-9]", 30),
    *_prefixed("sbp_ sb_secret_ sb_publishable_", r"[A-Za-z0-9_-]", 16),
    *_prefixed("vercel_ vcp_ vci_ vca_ vcr_ vck_ nfp_ nfc_ nfo_ nfu_ rnd_ rw_ railway_", r"[A-Za-z0-9]", 20),
    *_prefixed("fo1_ fm1r_ fm1a_ fm2_", r"[A-Za-z0-9+/=_,-]", 20),
    Rule("flyv1", r"FlyV1\s+[A-Za-z0-9+/=_, -]{8,}"),
    *_prefixed("PMAK- PMAT-", r"[A-Za-z0-9-]", 20),
    *_prefixed("sntrys_ sntryu_ sntrya_ sntryr_ sntryi_", _B64, 16),
    *_prefixed("dt0c01. dt0s01. dt0s02. dt0s16. dt0a01.", r"[A-Za-z0-9.]", 16),
    *_prefixed("NRAK- NRII- NRIQ- NRJS- NRBR- NRAA-", _TAIL, 16),
    *_prefixed("glsa_ glc_ eyJrIjoi", _B64, 16),
    *_prefixed("AGE-SECRET-KEY-1 AGE-SECRET-KEY-PQ-1", r"[A-Za-z0-9]", 20, sure=True),
    *_prefixed("EZAK EZTK", r"[A-Za-z0-9]", 24),
    *_prefixed(
        "shippo_live_ shippo_test_ duffel_live_ duffel_test_ lob_ flb_live_ shltm_ ramp_sec_ ramp_id_ rzp_live_ rzp_test_",
        _TAIL,
        12,
    ),
    *_prefixed("HRKU- dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit. dp.said.", r"[A-Za-z0-9_.-]", 16),
    *_prefixed("dapi dkea dose dsapi", r"[a-f0-9-]", 28),
    *_prefixed("CFPAT- CFPAT_ CCIPAT_ CCIPRJ_", _TAIL, 16),
    *_prefixed("cfut_ cfat_ cfk_ v1.0-", r"[A-Za-z0-9-]", 30),
    *_prefixed("LTAI AKID AQVN YCA", r"[A-Za-z0-9_-]", 16),
    *_prefixed("AKCp cmVmdGtu cmVmd", r"[A-Za-z0-9]", 40),
    *_prefixed("pscale_tkn_ pscale_pw_ pscale_oauth_ pscale_ psk_", r"[A-Za-z0-9_.=-]", 16),
    *_prefixed(
        "pul- pnu_ pnb_ rdme_ rootly_ sgp_ slk_ squ_ sqp_ sqa_ sqco_ snyk_ spu- thog-secret- endr+ nvt_ oaiusr_",
        r"[A-Za-z0-9_-]",
        20,
    ),
    *_prefixed("tskey-", r"[A-Za-z0-9_-]", 12),
    *_prefixed(
        "tk-us- tfp_ lsk_ ico- fio-u- dnkey- tk_ ops_eyJ cs_live_ cs_test_ ddp_ ddw_ ddc_",
        r"[A-Za-z0-9_.=-]",
        20,
    ),
    *_prefixed(
        "bkua_ bkct_ bkaj_ bb_pr_ bb_ma_ waka_ apify_api_ aio_ alcht_ salad_cloud_ API_KEY s-s4t2ud- s-s4t2af- u-s4t2ud-",
        r"[A-Za-z0-9_-]",
        20,
    ),
    *_prefixed("FLWSECK- FLWSECK_TEST- FLWPUBK- FLWPUBK_TEST-", r"[A-Za-z0-9-]", 12),
    *_prefixed("trk_ api- sdk- mob-", r"[a-f0-9-]", 16),
    *_prefixed("sm_aat_ sm_pat_ sm_sat_", _TAIL, 12),
    *_prefixed("rh-api- cal_live_ sl. sl.u.", r"[A-Za-z0-9_-]", 24),
    *_prefixed("pat. sat.", r"[A-Za-z0-9_.-]", 40),
    *_prefixed("pub-c- sub-c- sec-c-", r"[A-Za-z0-9-]", 24),
    *_prefixed(
        "tr_dev_ tr_prod_ tr_pat_ signkey-prod- signkey-test- signkey-branch- napi_ npg_", r"[A-Za-z0-9]", 16
    ),
    *_prefixed("live:: test::", r"[A-Za-z0-9_-]{1,60}::[A-Za-z0-9_.-]{0,60}::[A-Za-z0-9|_.:-]", 6),
)

SHAPED = (
    Rule("sk-", _NO_WORD + r"sk-[A-Za-z0-9_-]{16,}", _has_random_tail),
    *_prefixed("p8e- 4b1d", r"[A-Za-z0-9]", 30),
    Rule(
        ".acc_ .acc-",
        _NO_WORD
        + r"[a-z]{2,8}_[A-Za-z0-9]{5,40}\.[A-Za-z0-9]{4,6}\.acc[_-][A-Za-z0-9-]{8,}\.[A-Za-z0-9+/_=-]{16,}",
    ),
    *_prefixed("BBFF- NF- na1. web_ endr+ u-s4t2ud- u-s4t2af- thog-key-", r"[A-Za-z0-9+/]", 16),
    Rule("api_", _NO_WORD + r"api_[A-Za-z0-9.]{40,}", _has_random_tail),
    Rule("sq0", r"sq0[ic][a-z]{2}-[A-Za-z0-9_-]{16,}"),
    Rule("pk. sk.", _NO_WORD + r"[ps]k\.[A-Za-z0-9.-]{30,}", _has_random_tail),
    Rule("key-", _NO_WORD + r"key-[a-z0-9]{32}(?![a-z0-9])", _has_random_tail),
    Rule("api- sdk- mob-", _NO_WORD + r"(?:api|sdk|mob)-[a-z0-9]{8}(?:-[a-z0-9]{4}){3}-[a-z0-9]{12}"),
    Rule("sk", r"\bSK[A-Za-z0-9]{32}\b", _has_random_tail),
    Rule("-nrma", r"\b[0-9A-Za-z]{30,44}-NRMA\b"),
    Rule("00", r"\b00[A-Za-z0-9]{13}![A-Za-z0-9_.]{20,}"),
    Rule("00", r"(?<![\w-])00(?=[0-9_-]*[A-Za-z])(?=[^A-Z]*[A-Z])(?=[^a-z]*[a-z])[A-Za-z0-9_-]{40}(?![\w-])"),
    Rule("==", r"(?<![A-Za-z0-9+/=-])[A-Za-z0-9+/]{86}==(?![A-Za-z0-9])"),
    Rule("_", r"\b[A-Za-z0-9]{64}_[A-Za-z0-9]{4}_[A-Za-z0-9]{8}-[A-Za-z0-9-]{20,}"),
    Rule("|", r"(?<![0-9])[0-9]{15,16}\|[A-Za-z0-9_-]{24,}"),
    Rule("ey", _NO_WORD + r"ey[A-Za-z0-9_-]{15,2000}\.ey[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_+/-]*={0,2}){0,4}"),
    Rule("re_", _NO_WORD + r"re_[A-Za-z0-9]{6,12}_[A-Za-z0-9]{16,}", _has_random_tail),
    Rule("co_", _NO_WORD + r"co_[A-Za-z0-9]{30,}", _has_random_tail),
    Rule("eyj", r"eyJ[A-Za-z0-9_-]{8,2000}={0,2}\.[A-Za-z0-9_-]{8,}={0,2}(?:\.[A-Za-z0-9_+/-]*={0,2}){0,4}"),
    Rule("sk_", _NO_WORD + r"sk_[A-Za-z0-9_+/-]{24,}", _has_random_tail),
    Rule("pk_", _NO_WORD + r"pk_[A-Za-z0-9_]{24,}", _has_random_tail),
    Rule("sk. pk.", _NO_WORD + r"(?:sk|pk)\.(?=[A-Za-z0-9_-]*[0-9])[A-Za-z0-9_-]{30,}\.[A-Za-z0-9_-]{10,}"),
    Rule("t3blbkfj", r"[A-Za-z0-9_-]{0,200}T3BlbkFJ[A-Za-z0-9_-]*"),
    Rule("a3-", r"\bA3-[A-Z0-9]{6}-[A-Z0-9-]{16,}"),
    Rule("s.", r"(?<![A-Za-z0-9_.])s\.(?=[A-Za-z]{0,23}[0-9])[A-Za-z0-9]{24,}"),
    Rule("sk", r"\bSK[0-9a-fA-F]{32}"),
    Rule("ac", r"\bAC[0-9a-fA-F]{32}"),
    Rule("-us", r"\b[0-9a-f]{32}-us[0-9]{1,2}\b"),
    Rule("-", r"\b[0-9a-h]{32}-[0-9a-h]{8}-[0-9a-h]{8}\b"),
    Rule("q~", r"[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{20,}"),
    Rule(
        "azp3 azp4 acrk asbk aenk acdb azdo apim azfu azse azca",
        r"\b[A-Za-z0-9+/]{33,80}(?:\+?(?:AZDO|ASt|ABa|AMC|AIoT|ASb|AEh|ACDb|ACR|APIM|AzFu|AzSe|AzCa))[A-Za-z0-9+/=]{4,}",
    ),
    Rule(
        "+asb +aeh +acr +amc +aiot +ast +aba acdb azdo",
        r"\b[A-Za-z0-9+/]{30,90}(?:\+A(?:Sb|Eh|CR|MC|IoT|St|Ba)|ACDb|AZDO)[A-Za-z0-9+/=]{2,}",
    ),
    Rule("ffffnral -nrma nral", r"\b[0-9A-Za-z]{20,40}(?:FFFFNRAL|NRAL|-NRMA)\b"),
    Rule("_mmk", r"\b[A-Za-z0-9]{6}_[A-Za-z0-9]{20,}_mmk"),
    Rule(".atlasv1.", r"[A-Za-z0-9]{8,}\.atlasv1\.[A-Za-z0-9_=-]{16,}"),
    Rule("sha256~", r"sha256~[A-Za-z0-9_-]{20,}"),
    Rule("access_token$", r"access_token\$(?:production|sandbox)\$[A-Za-z0-9$]{16,}"),
    Rule(
        "access-sandbox- access-production- access-development- link-sandbox- public-sandbox-",
        r"\b(?:access|link|public)-(?:sandbox|development|production)-[0-9a-f-]{20,}",
    ),
    Rule("amzn.mws. amzn1.oa2-cs", r"amzn(?:\.mws\.[0-9a-f-]{30,}|1\.oa2-cs\.v1\.[a-f0-9]{20,})"),
    Rule("_secret_", r"\b(?:pi|seti|cs|src|pm)_[A-Za-z0-9]{8,}_secret_[A-Za-z0-9]{8,}"),
    Rule(":", r"(?<![A-Za-z0-9])[0-9]{8,10}:(?=[A-Za-z0-9_-]*[A-Za-z])[A-Za-z0-9_-]{30,}"),
    Rule(":apa91b", r"[A-Za-z0-9_-]{8,}:APA91b[A-Za-z0-9_-]{20,}"),
    Rule("aaaa", r"\bAAAA[A-Za-z0-9_-]{7}:[A-Za-z0-9_-]{40,}"),
    Rule(
        ".",
        r"(?<![A-Za-z0-9_.-])(?:[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{20,}|mfa\.[A-Za-z0-9_-]{20,})",
    ),
    Rule("pat", _NO_WORD + r"pat[A-Za-z0-9]{14}\.[A-Za-z0-9]{20,}"),
    Rule("/", r"(?<![A-Za-z0-9/])[12]/[0-9]{12,20}(?:/[0-9]{12,20})?:[0-9a-zA-Z]{20,}"),
    Rule("1000.", r"\b1000\.[a-f0-9]{32}\.[a-f0-9]{32}"),
    Rule(
        "00d 5aep861 3mvg9",
        r"\b(?:00D[A-Za-z0-9]{12,15}![A-Za-z0-9_.]{20,}|5A(?:e|E)P861[A-Za-z0-9._=]{20,}|3MVG9[0-9A-Za-z._+/=]{40,})",
    ),
    Rule("vf.", r"\bVF\.(?:(?:DM|WS)\.)?[A-Fa-f0-9]{24}\.[A-Za-z0-9]{12,}"),
    Rule("api-", r"\bAPI-[A-Z0-9]{24,}"),
    Rule(
        "eyj ewog ewoi",
        r"(?<!base64,)(?<![A-Za-z0-9+/])(?:eyJ|ewog|ewoi|ewoJ)[A-Za-z0-9_+/-]{12,}={0,2}(?:\.[A-Za-z0-9_+/-]*={0,2}){0,4}",
    ),
    Rule("zxlk", r"\bZXlK[A-Za-z0-9+/_-]{20,}={0,2}"),
    Rule("1.a 0.a", r"\b[01]\.A[A-Za-z0-9_-]{40,}(?:\.[A-Za-z0-9_-]*){0,4}"),
    Rule("m.c em. ewb eqb cfdj8", r"\bCfDJ8[A-Za-z0-9_-]{20,}"),
    Rule(
        "$2 $1$ $5$ $6$ $y$ $apr1$ $argon2 $scrypt pbkdf2",
        r"\$(?:2[abxy]|1|5|6|y|7|apr1|argon2(?:id|i|d)?|scrypt|pbkdf2-sha(?:1|256|512))\$[./A-Za-z0-9$=,+-]{16,}",
    ),
    Rule(
        "{ssha} {sha} {ssha512} {crypt} {ssha256}",
        r"\{(?:S?SHA(?:256|512)?|CRYPT|crypt)\}[./A-Za-z0-9$=+]{16,}",
    ),
    Rule("st.", r"(?<![A-Za-z0-9_.])st\.(?=[a-z.-]*[0-9])[a-f0-9.-]{20,}"),
    Rule("xprv yprv zprv tprv", r"\b[xyzt]prv[0-9A-Za-z]{40,}"),
    Rule(
        "akia asia aws",
        r"(?:A[KS]IA[A-Z0-9]{12,20}|(?i:aws))[^\n]{0,80}?(?<![A-Za-z0-9+/=])(?P<secret>(?=[A-Za-z+/]*[0-9])(?=[a-z0-9+/]*[A-Z])(?=[A-Z0-9+/]*[a-z])[A-Za-z0-9+/]{40})(?![A-Za-z0-9+/=])",
    ),
)

VENDORS = (*UNMISTAKABLE, *SHAPED)
