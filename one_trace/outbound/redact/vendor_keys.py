"""Keys of known vendors, by the prefixes and shapes that the vendors publish.

A new vendor's key goes here: one row in `_PREFIXES` if it has a prefix of its own, else one in `_SHAPES`.
The patterns are generous: a tail of any length is part of the key, and a key that was cut off is still one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from one_trace.outbound.redact.rule import Judge, Rule

_PREFIXES = r"""
GitHub!       ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ [A-Za-z0-9_.-]{4,}
GitLab!       glpat- gldt- glrt- glrtr- glcbt- glptt- glft- glimt- glagent- gloas- glsoat- glffct- glwt- GR1348941 _gitlab_session= [A-Za-z0-9_.~+/=-]{8,}
LLMs!         sk-ant- sk-proj- sk-svcacct- sk-admin- sk-service- sk-or- sk-lf- pk-lf- sk-None- [A-Za-z0-9_=-]{8,}
LLMs          gsk_ xai- pplx- fw_ tgp_ nvapi- jina_ tvly- fc- exa- esecret_ e2b_ pcsk_ csk- pa- lsv2_ cpk_ [A-Za-z0-9_=-]{20,}
OpenAI        sk- [A-Za-z0-9_-]{16,}
HuggingFace   hf_ api_org_ r8_ [A-Za-z0-9_-]{20,}
Cohere        co_ [A-Za-z0-9]{30,}
Stripe!       sk_live_ sk_test_ rk_live_ rk_test_ pk_live_ pk_test_ sk_prod_ rk_prod_ ak_live_ ak_test_ [A-Za-z0-9_=.-]{6,}
Stripe        sk_ [A-Za-z0-9_+/-]{24,}
Stripe        pk_ [A-Za-z0-9_]{24,}
Webhooks      whsec_ pi_live_ hooksecret_ polar_oat_ lsk_live_ dsk_live_ [A-Za-z0-9+/_=-]{8,}
Slack!        xoxb- xoxp- xoxa- xoxr- xoxs- xoxo- xoxc- xoxd- xoxe- xoxe. xapp- xwfp- [A-Za-z0-9.%/+_-]{8,}
AWS           AKIA ASIA ABIA ACCA A3T AROA AIDA AGPA ANPA AIPA ANVA [A-Z0-9]{12,}
AWS           ABSK bedrock-api-key- [A-Za-z0-9+/_=-]{20,}
Google!       AIza [A-Za-z0-9_=-]{20,}
Google        ya29. GOCSPX- 1//0 4/0A [A-Za-z0-9_./-]{10,}
DigitalOcean  dop_v1_ doo_v1_ dor_v1_ DO00 [A-Za-z0-9]{12,}
Vault         hvs. hvb. hvr. [A-Za-z0-9_=-]{12,}
npm           npm_ [A-Za-z0-9]{16,}
PyPI          pypi- [A-Za-z0-9_-]{16,}
Registries    rubygems_ CLOJARS_ cio crates_io_ cargo_ oy2 [A-Za-z0-9_-]{24,}
Shopify       shpat_ shpca_ shppa_ shpss_ shpua_ shptka_ [A-Za-z0-9]{12,}
Square        sq0atp- sq0csp- sq0idp- sandbox-sq0 EAAA EAAC EAAM EAAB EAAG EAAD EAAE EAAF EAAH EAAI EAAJ EAAK EAAL EAAN [A-Za-z0-9_=-]{20,}
SendGrid      SG. [A-Za-z0-9_.=-]{16,}
Mailgun       key- pubkey- private-key- [a-f0-9]{24,}
Brevo/PostHog xkeysib- xsmtpsib- mlsn. phx_ phc_ phs_ [A-Za-z0-9_.-]{20,}
Atlassian     ATATT3 ATCTT3 ATBB BBDC- ATOA [A-Za-z0-9_=+/.-]{16,}
Linear        lin_api_ lin_oauth_ lin_wh_ [A-Za-z0-9_]{12,}
Notion        ntn_ secret_ [A-Za-z0-9]{24,}
Figma         figd_ figp_ figu_ figo_ figur_ figoh_ figdh_ [A-Za-z0-9_=-]{16,}
HubSpot       pat-na1- pat-na2- pat-eu1- pat-ap1- [A-Za-z0-9-]{24,}
Docker        dckr_pat_ dckr_oat_ [A-Za-z0-9_=-]{12,}
Branch        key_live_ key_test_ [A-Za-z0-9_=-]{16,}
Mollie        live_ test_ [A-Za-z0-9]{30,}
Supabase      sbp_ sb_secret_ sb_publishable_ [A-Za-z0-9_-]{16,}
Hosting       vercel_ vcp_ vci_ vca_ vcr_ vck_ nfp_ nfc_ nfo_ nfu_ rnd_ rw_ railway_ [A-Za-z0-9]{20,}
Fly.io        fo1_ fm1r_ fm1a_ fm2_ [A-Za-z0-9+/=_,-]{20,}
Postman       PMAK- PMAT- [A-Za-z0-9-]{20,}
Sentry        sntrys_ sntryu_ sntrya_ sntryr_ sntryi_ [A-Za-z0-9+/_=-]{16,}
Dynatrace     dt0c01. dt0s01. dt0s02. dt0s16. dt0a01. [A-Za-z0-9.]{16,}
NewRelic      NRAK- NRII- NRIQ- NRJS- NRBR- NRAA- [A-Za-z0-9_=-]{16,}
Grafana       glsa_ glc_ eyJrIjoi [A-Za-z0-9+/_=-]{16,}
age!          AGE-SECRET-KEY-1 AGE-SECRET-KEY-PQ-1 [A-Za-z0-9]{20,}
EasyPost      EZAK EZTK [A-Za-z0-9]{24,}
Payments      shippo_live_ shippo_test_ duffel_live_ duffel_test_ lob_ flb_live_ shltm_ ramp_sec_ ramp_id_ rzp_live_ rzp_test_ [A-Za-z0-9_=-]{12,}
Heroku/Doppler HRKU- dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit. dp.said. [A-Za-z0-9_.-]{16,}
Databricks    dapi dkea dose dsapi [a-f0-9-]{28,}
CircleCI/etc. CFPAT- CFPAT_ CCIPAT_ CCIPRJ_ [A-Za-z0-9_=-]{16,}
Cloudflare    cfut_ cfat_ cfk_ v1.0- [A-Za-z0-9-]{30,}
Alibaba/etc.  LTAI AKID AQVN YCA [A-Za-z0-9_-]{16,}
JFrog         AKCp cmVmdGtu cmVmd [A-Za-z0-9]{40,}
PlanetScale   pscale_ psk_ [A-Za-z0-9_.=-]{16,}
Various       pul- pnu_ pnb_ rdme_ rootly_ sgp_ slk_ squ_ sqp_ sqa_ sqco_ snyk_ spu- thog-secret- endr+ nvt_ oaiusr_ [A-Za-z0-9_-]{20,}
Tailscale     tskey- [A-Za-z0-9_-]{12,}
Various       tk-us- tfp_ lsk_ ico- fio-u- dnkey- tk_ ops_eyJ cs_live_ cs_test_ ddp_ ddw_ ddc_ [A-Za-z0-9_.=-]{20,}
Various       bkua_ bkct_ bkaj_ bb_pr_ bb_ma_ waka_ apify_api_ aio_ alcht_ salad_cloud_ API_KEY s-s4t2ud- s-s4t2af- u-s4t2ud- [A-Za-z0-9_-]{20,}
Various       BBFF- NF- na1. web_ endr+ u-s4t2ud- u-s4t2af- thog-key- [A-Za-z0-9+/]{16,}
Various       p8e- 4b1d [A-Za-z0-9]{30,}
Flutterwave   FLWSECK- FLWSECK_TEST- FLWPUBK- FLWPUBK_TEST- [A-Za-z0-9-]{12,}
traces.com    trk_ api- sdk- mob- [a-f0-9-]{16,}
Various       sm_aat_ sm_pat_ sm_sat_ [A-Za-z0-9_=-]{12,}
Various       rh-api- cal_live_ sl. sl.u. [A-Za-z0-9_-]{24,}
Various       pat. sat. [A-Za-z0-9_.-]{40,}
PubNub        pub-c- sub-c- sec-c- [A-Za-z0-9-]{24,}
Trigger/Neon  tr_dev_ tr_prod_ tr_pat_ signkey-prod- signkey-test- signkey-branch- napi_ npg_ [A-Za-z0-9]{16,}
Various       live:: test:: [A-Za-z0-9_-]{1,60}::[A-Za-z0-9_.-]{0,60}::[A-Za-z0-9|_.:-]{6,}
OpenShift!    sha256~ [A-Za-z0-9_-]{20,}
Django!       django-insecure- \S{16,}
"""
"""Vendor, prefixes, and the pattern of the rest. ``!``: no word of prose or code has such a prefix. Keys with
any other prefix must begin a word, and their rest must look random.
"""
_SEPARATORS = re.compile(r"[^A-Za-z0-9]")
_LONG_WORD = 16
_NO_WORD = r"(?<![A-Za-z0-9])"


def _prefix_rules() -> Iterator[Rule]:
    for row in _PREFIXES.strip().split("\n"):
        vendor, *prefixes, tail = row.split()
        for prefix in prefixes:
            pattern = re.escape(prefix) + tail
            if vendor.endswith("!"):
                yield Rule(prefix.lower(), pattern)
            else:
                yield Rule(prefix.lower(), _NO_WORD + pattern, _random_after(len(prefix)))


def _random_after(length: int) -> Judge:
    """A judge of the text behind a prefix of this length: a digit among letters, capitals among small
    letters, or a word longer than any.
    """

    def judge(match: re.Match[str]) -> bool:
        tail = match[0][length:]
        mixed = tail != tail.lower() and tail != tail.upper()
        return mixed or any(c.isdigit() for c in tail) or max(map(len, _SEPARATORS.split(tail))) >= _LONG_WORD

    return judge


_SHAPES = {
    "flyv1": r"FlyV1\s+[A-Za-z0-9+/=_, -]{8,}",
    ".acc_ .acc-": r"(?<![A-Za-z0-9])[a-z]{2,8}_[A-Za-z0-9]{5,40}\.[A-Za-z0-9]{4,6}\.acc[_-][A-Za-z0-9-]{8,}\.[A-Za-z0-9+/_=-]{16,}",
    "sq0": r"sq0[ic][a-z]{2}-[A-Za-z0-9_-]{16,}",
    "api- sdk- mob-": r"(?<![A-Za-z0-9])(?:api|sdk|mob)-[a-z0-9]{8}(?:-[a-z0-9]{4}){3}-[a-z0-9]{12}",
    "-nrma": r"\b[0-9A-Za-z]{30,44}-NRMA\b",
    "00": r"\b00[A-Za-z0-9]{13}![A-Za-z0-9_.]{20,}|(?<![\w-])00(?=[0-9_-]*[A-Za-z])(?=[^A-Z]*[A-Z])(?=[^a-z]*[a-z])[A-Za-z0-9_-]{40}(?![\w-])",
    "==": r"(?<![A-Za-z0-9+/=-])[A-Za-z0-9+/]{86}==(?![A-Za-z0-9])",
    "_": r"\b[A-Za-z0-9]{64}_[A-Za-z0-9]{4}_[A-Za-z0-9]{8}-[A-Za-z0-9-]{20,}",
    "|": r"(?<![0-9])[0-9]{15,16}\|[A-Za-z0-9_-]{24,}",
    "ey": r"(?<![A-Za-z0-9])ey[A-Za-z0-9_-]{15,2000}\.ey[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_+/-]*={0,2}){0,4}",
    "eyj": r"eyJ[A-Za-z0-9_-]{8,2000}={0,2}\.[A-Za-z0-9_-]{8,}={0,2}(?:\.[A-Za-z0-9_+/-]*={0,2}){0,4}",
    "sk. pk.": r"(?<![A-Za-z0-9])(?:sk|pk)\.(?=[A-Za-z0-9_-]*[0-9])[A-Za-z0-9_-]{30,}\.[A-Za-z0-9_-]{10,}",
    "t3blbkfj": r"[A-Za-z0-9_-]{0,200}T3BlbkFJ[A-Za-z0-9_-]*",
    "a3-": r"\bA3-[A-Z0-9]{6}-[A-Z0-9-]{16,}",
    "s.": r"(?<![A-Za-z0-9_.])s\.(?=[A-Za-z]{0,23}[0-9])[A-Za-z0-9]{24,}",
    "sk": r"\bSK[0-9a-fA-F]{32}",
    "ac": r"\bAC[0-9a-fA-F]{32}",
    "-us": r"\b[0-9a-f]{32}-us[0-9]{1,2}\b",
    "-": r"\b[0-9a-h]{32}-[0-9a-h]{8}-[0-9a-h]{8}\b",
    "q~": r"[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{20,}",
    "azp3 azp4 acrk asbk aenk acdb azdo apim azfu azse azca": r"\b[A-Za-z0-9+/]{33,80}(?:\+?(?:AZDO|ASt|ABa|AMC|AIoT|ASb|AEh|ACDb|ACR|APIM|AzFu|AzSe|AzCa))[A-Za-z0-9+/=]{4,}",
    "+asb +aeh +acr +amc +aiot +ast +aba acdb azdo": r"\b[A-Za-z0-9+/]{30,90}(?:\+A(?:Sb|Eh|CR|MC|IoT|St|Ba)|ACDb|AZDO)[A-Za-z0-9+/=]{2,}",
    "ffffnral -nrma nral": r"\b[0-9A-Za-z]{20,40}(?:FFFFNRAL|NRAL|-NRMA)\b",
    "_mmk": r"\b[A-Za-z0-9]{6}_[A-Za-z0-9]{20,}_mmk",
    ".atlasv1.": r"[A-Za-z0-9]{8,}\.atlasv1\.[A-Za-z0-9_=-]{16,}",
    "access_token$": r"access_token\$(?:production|sandbox)\$[A-Za-z0-9$]{16,}",
    "access-sandbox- access-production- access-development- link-sandbox- public-sandbox-": r"\b(?:access|link|public)-(?:sandbox|development|production)-[0-9a-f-]{20,}",
    "amzn.mws. amzn1.oa2-cs": r"amzn(?:\.mws\.[0-9a-f-]{30,}|1\.oa2-cs\.v1\.[a-f0-9]{20,})",
    "_secret_": r"\b(?:pi|seti|cs|src|pm)_[A-Za-z0-9]{8,}_secret_[A-Za-z0-9]{8,}",
    ":": r"(?<![A-Za-z0-9])[0-9]{8,10}:(?=[A-Za-z0-9_-]*[A-Za-z])[A-Za-z0-9_-]{30,}",
    ":apa91b": r"[A-Za-z0-9_-]{8,}:APA91b[A-Za-z0-9_-]{20,}",
    "aaaa": r"\bAAAA[A-Za-z0-9_-]{7}:[A-Za-z0-9_-]{40,}",
    ".": r"(?<![A-Za-z0-9_.-])(?:[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{20,}|mfa\.[A-Za-z0-9_-]{20,})",
    "pat": r"(?<![A-Za-z0-9])pat[A-Za-z0-9]{14}\.[A-Za-z0-9]{20,}",
    "/": r"(?<![A-Za-z0-9/])[12]/[0-9]{12,20}(?:/[0-9]{12,20})?:[0-9a-zA-Z]{20,}",
    "1000.": r"\b1000\.[a-f0-9]{32}\.[a-f0-9]{32}",
    "00d 5aep861 3mvg9": r"\b(?:00D[A-Za-z0-9]{12,15}![A-Za-z0-9_.]{20,}|5A(?:e|E)P861[A-Za-z0-9._=]{20,}|3MVG9[0-9A-Za-z._+/=]{40,})",
    "vf.": r"\bVF\.(?:(?:DM|WS)\.)?[A-Fa-f0-9]{24}\.[A-Za-z0-9]{12,}",
    "api-": r"\bAPI-[A-Z0-9]{24,}",
    "eyj ewog ewoi": r"(?<!base64,)(?<![A-Za-z0-9+/])(?:eyJ|ewog|ewoi|ewoJ)[A-Za-z0-9_+/-]{12,}={0,2}(?:\.[A-Za-z0-9_+/-]*={0,2}){0,4}",
    "zxlk": r"\bZXlK[A-Za-z0-9+/_-]{20,}={0,2}",
    "1.a 0.a": r"\b[01]\.A[A-Za-z0-9_-]{40,}(?:\.[A-Za-z0-9_-]*){0,4}",
    "cfdj8": r"\bCfDJ8[A-Za-z0-9_-]{20,}",
    "$2 $1$ $5$ $6$ $y$ $apr1$ $argon2 $scrypt pbkdf2": r"\$(?:2[abxy]|1|5|6|y|7|apr1|argon2(?:id|i|d)?|scrypt|pbkdf2-sha(?:1|256|512))\$[./A-Za-z0-9$=,+-]{16,}",
    "{ssha} {sha} {ssha512} {crypt} {ssha256}": r"\{(?:S?SHA(?:256|512)?|CRYPT|crypt)\}[./A-Za-z0-9$=+]{16,}",
    "st.": r"(?<![A-Za-z0-9_.])st\.(?=[a-z.-]*[0-9])[a-f0-9.-]{20,}",
    "xprv yprv zprv tprv": r"\b[xyzt]prv[0-9A-Za-z]{40,}",
    "akia asia aws": r"(?:A[KS]IA[A-Z0-9]{12,20}|(?i:aws))[^\n]{0,80}?(?<![A-Za-z0-9+/=])(?P<secret>(?=[A-Za-z+/]*[0-9])(?=[a-z0-9+/]*[A-Z])(?=[A-Z0-9+/]*[a-z])[A-Za-z0-9+/]{40})(?![A-Za-z0-9+/=])",
}
"""Words of which every such key contains one in lower case, and the pattern of the key."""

VENDOR_KEYS = (
    *_prefix_rules(),
    *(Rule(words, pattern) for words, pattern in _SHAPES.items()),
    Rule("sk", r"\bSK[A-Za-z0-9]{32}\b", _random_after(2)),
    Rule("api_", _NO_WORD + r"api_[A-Za-z0-9.]{40,}", _random_after(3)),
    Rule("pk. sk.", _NO_WORD + r"[ps]k\.[A-Za-z0-9.-]{30,}", _random_after(3)),
    Rule("key-", _NO_WORD + r"key-[a-z0-9]{32}(?![a-z0-9])", _random_after(3)),
    Rule("re_", _NO_WORD + r"re_[A-Za-z0-9]{6,12}_[A-Za-z0-9]{16,}", _random_after(3)),
)
