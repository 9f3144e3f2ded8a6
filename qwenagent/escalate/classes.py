"""The classes of secrets that are recognised by their look: a table, and nothing else is claimed.

Knows how credentials of well-known vendors are written, not which are in use. Prefixes and lengths
are those that the vendors document, or give to scanners; what is longer is taken whole, so that a
newer and longer token does not leave its end behind.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SecretClass:
    """A kind of secret. The first group of a pattern is what is replaced, else all of it."""

    name: str
    """For people: "GitHub"."""
    tag: str
    """In placeholders: capital letters and digits."""
    look: str
    """What is recognised, for the README."""
    patterns: tuple[re.Pattern[str], ...]


def _vendor(name: str, tag: str, look: str, *patterns: str) -> SecretClass:
    # No letter or digit before it: `task-...` is no `sk-...`.
    whole = (rf"(?<![A-Za-z0-9])(?:{pattern})" for pattern in patterns)
    return SecretClass(name, tag, look, tuple(map(re.compile, whole)))


def _any(name: str, tag: str, look: str, *patterns: str) -> SecretClass:
    return SecretClass(name, tag, look, tuple(map(re.compile, patterns)))


# Between two lines of a key: a line end, as itself or escaped, and what is put before or behind.
_PEM_GAP = r"""(?:\\[rn]|[\s>|"'`,\\-]){1,40}"""
_PEM_NAME = r"(?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?"
_PEM_HEADER = r"(?:[A-Za-z-]{4,20}: [^\n\\]{1,80})"

PEM = _any(
    "PEM private keys",
    "PEM",
    "`-----BEGIN ... PRIVATE KEY-----` to its end, or what is there of it; also of OpenSSH and PGP",
    rf"-----BEGIN {_PEM_NAME}-----(?:(?!-----)[\s\S]){{0,30000}}-----END {_PEM_NAME}-----",
    rf"-----BEGIN {_PEM_NAME}-----(?:{_PEM_GAP}{_PEM_HEADER}){{0,3}}"
    rf"(?:{_PEM_GAP}[A-Za-z0-9+/=]{{30,}}){{1,500}}(?:{_PEM_GAP}[A-Za-z0-9+/=]{{1,80}})?",
    rf"(?:(?<![A-Za-z0-9+/=])[A-Za-z0-9+/=]{{40,100}}{_PEM_GAP}){{1,200}}"
    rf"(?:[A-Za-z0-9+/=]{{1,80}}{_PEM_GAP})?-----END {_PEM_NAME}-----",
)
JWT = _vendor(
    "JSON Web Tokens",
    "JWT",
    "`eyJ...` in three parts (signed) or five (encrypted)",
    r"eyJ[A-Za-z0-9_-]{8,}\.(?:eyJ)?[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+){0,2}",
)
URL = _any(
    "credentials in URLs",
    "URL",
    "the part before the @ in `scheme://user:password@host`, and before an @ in `https://`",
    # To the last @: one that is in the password is often left as it is.
    r"[A-Za-z][A-Za-z0-9+.-]{0,30}://([^\s/:@\"'`<>]{0,200}:(?!\d{1,5}/)[^\s\"'`<>]{1,500})@",
    r"https?://([^\s/:@\"'`<>?#]{6,500})@",
)
HEADER = _any(
    "HTTP authorization",
    "AUTH",
    "what follows `Basic`, `Bearer` or `Token` in an Authorization header, and `curl -u`",
    r"(?i:\b(?:proxy-)?authorization[\"'\]]{0,3}\s{0,3}[:=,]{0,2}>?\s{0,3}[\"'`]{0,2}"
    r"(?:basic|bearer|token|digest|apikey|negotiate)\s{1,3})([^\s\"'`,;]{4,})",
    r"\b[Bb]earer\s{1,3}([A-Za-z0-9._~+/-]{16,}=*)",
    r"\b[Bb]asic\s{1,3}((?=[a-z]{0,100}[A-Z0-9+/=])[A-Za-z0-9+/]{12,}={0,2})(?![A-Za-z])",
    r"\bcurl\b[^\n|;]{0,300}?\s(?:-u|--user)[\s=]?[\"']?([^\s\"':]{1,100}:[^\s\"']{1,200})",
)
NETRC = _any(
    "netrc",
    "NETRC",
    "the password of a `machine ... login ... password ...` entry",
    r"\b(?:machine\s{1,9}\S{1,200}|default)\s{1,9}login\s{1,9}\S{1,200}\s{1,9}password\s{1,9}(\S{1,500})",
)

CLASSES: tuple[SecretClass, ...] = (
    PEM,
    _vendor(
        "age keys", "AGE", "`AGE-SECRET-KEY-1...`", r"AGE-SECRET-KEY-1[0-9A-Z]{50,}"
    ),
    JWT,
    URL,
    HEADER,
    NETRC,
    _vendor(
        "Anthropic", "ANTHROPIC", "`sk-ant-...`", r"sk-ant-[a-z]{2,8}\d{0,2}-[A-Za-z0-9_-]{20,}"
    ),
    _vendor(
        "OpenAI, DeepSeek, OpenRouter and others with its form", "SK",
        "`sk-...` of 20 characters and more, with a digit in it",
        r"sk-(?=[A-Za-z_-]{0,100}\d)[A-Za-z0-9_-]{20,}",
    ),
    _vendor(
        "AWS", "AWS",
        "access key IDs (`AKIA`, `ASIA`, ...), a secret key beside one, Bedrock keys (`ABSK...`); "
        "secret keys under a name of their own as `password=` below",
        r"(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z0-9]{16,}",
        r"(?:AKIA|ASIA)[A-Z0-9]{16,}[\s,;:|\"']{1,10}([A-Za-z0-9/+]{40,})",
        r"ABSK[A-Za-z0-9+/]{100,}={0,2}",
    ),
    _vendor(
        "Azure", "AZURE",
        "storage account keys, client secrets (`...8Q~...`), signatures of shared access",
        r"(?:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{40,}={0,2})",
        r"[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,}",
        r"sig=([A-Za-z0-9%+/]{40,}={0,2})",
    ),
    _vendor(
        "Google", "GOOGLE",
        "API keys (`AIza...`), OAuth secrets and tokens (`GOCSPX-`, `ya29.`, `1//`)",
        r"AIza[A-Za-z0-9_-]{35,}",
        r"GOCSPX-[A-Za-z0-9_-]{20,}",
        r"ya29\.[A-Za-z0-9_-]{20,}",
        r"1//0[A-Za-z0-9_-]{30,}",
    ),
    _vendor(
        "GitHub", "GITHUB", "`ghp_`, `gho_`, `ghu_`, `ghs_`, `ghr_`, `github_pat_`",
        r"gh[pousr]_[A-Za-z0-9_.-]{30,}",
        r"github_pat_[A-Za-z0-9_]{30,}",
    ),
    _vendor(
        "GitLab", "GITLAB", "`glpat-` and the others that begin with `gl`, `GR1348941...`",
        r"gl(?:pat|dt|rt|rtr|cbt|ptt|ft|imt|agent|oas|soat|ffct|wt)-[A-Za-z0-9_=.-]{20,}",
        r"GR1348941[A-Za-z0-9_-]{20,}",
    ),
    _vendor(
        "Slack", "SLACK", "`xox?-...`, `xapp-...`, addresses of webhooks",
        r"xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{10,}",
        r"xapp-\d-[A-Za-z0-9-]{20,}",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/]{20,})",
    ),
    _vendor(
        "Stripe", "STRIPE", "`sk_live_`, `rk_live_`, `sk_test_`, `rk_test_`, `whsec_`",
        r"[sr]k_(?:live|test|prod)_[A-Za-z0-9]{10,}",
        r"whsec_[A-Za-z0-9+/=]{20,}",
    ),
    _vendor("Hugging Face", "HF", "`hf_`, `api_org_`",
            r"hf_[A-Za-z0-9]{30,}", r"api_org_[A-Za-z0-9]{30,}"),
    _vendor("Groq, Fireworks, xAI, Perplexity, Replicate", "AI",
            "`gsk_`, `fw_`, `xai-`, `pplx-`, `r8_`",
            r"gsk_[A-Za-z0-9]{40,}", r"fw_[A-Za-z0-9]{20,}", r"xai-[A-Za-z0-9]{60,}",
            r"pplx-[A-Za-z0-9]{40,}", r"r8_[A-Za-z0-9]{36,}"),
    _vendor("npm", "NPM", "`npm_`, and `_authToken=` as `password=` below",
            r"npm_[A-Za-z0-9]{36,}"),
    _vendor("PyPI", "PYPI", "`pypi-AgE...`", r"pypi-Ag[A-Za-z0-9_-]{50,}"),
    _vendor("RubyGems and crates.io", "GEMS", "`rubygems_`, `cio`",
            r"rubygems_[a-f0-9]{48,}", r"cio(?=[A-Za-z]{0,31}\d)[A-Za-z0-9]{32}(?![A-Za-z0-9])"),
    _vendor("SendGrid, Mailgun, Mailchimp", "MAIL", "`SG.`, `key-` and 32 hex, 32 hex and `-us1`",
            r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{30,}", r"key-[0-9a-f]{32,}",
            r"[0-9a-f]{32}-us\d{1,2}"),
    _vendor("Twilio", "TWILIO", "`SK` and 32 hex; auth tokens as `password=` below",
            r"SK[0-9a-f]{32}"),
    _vendor("DigitalOcean", "DO", "`dop_v1_`, `doo_v1_`, `dor_v1_`", r"do[opr]_v1_[a-f0-9]{40,}"),
    _vendor("Docker Hub", "DOCKER", "`dckr_pat_`, `dckr_oat_`", r"dckr_[po]at_[A-Za-z0-9_-]{20,}"),
    _vendor("Databricks", "DATABRICKS", "`dapi` and 32 hex", r"dapi[a-f0-9]{32,}(?:-\d)?"),
    _vendor("Vault and Terraform", "HASHICORP", "`hvs.`, `hvb.`, `hvr.`, `....atlasv1....`",
            r"hv[sbr]\.[A-Za-z0-9_-]{20,}", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}"),
    _vendor("Grafana and Sentry", "WATCH", "`glc_`, `glsa_`, `sntrys_`, `sntryu_`",
            r"glc_[A-Za-z0-9+/]{32,}={0,2}", r"glsa_[A-Za-z0-9]{32}_[a-fA-F0-9]{8}",
            r"sntry[su]_[A-Za-z0-9+/=_-]{40,}"),
    _vendor("New Relic", "NEWRELIC", "`NRAK-` and its like",
            r"NR(?:AK|JS|II|IQ|RA)-[A-Za-z0-9_-]{19,}"),
    _vendor("Shopify", "SHOPIFY", "`shpat_`, `shpca_`, `shppa_`, `shpss_`",
            r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32,}"),
    _vendor("Square", "SQUARE", "`EAAA...`, `sq0...-`",
            r"EAAA[A-Za-z0-9_-]{56,}", r"sq0[a-z]{3}-[A-Za-z0-9_-]{22,}"),
    _vendor("Telegram", "TELEGRAM", "a bot's number, a colon and `AA...`",
            r"\d{8,10}:AA[A-Za-z0-9_-]{32,}"),
    _vendor("Discord", "DISCORD", "bot tokens (three parts with dots), addresses of webhooks",
            r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}",
            r"discord(?:app)?\.com/api/webhooks/(\d{10,}/[A-Za-z0-9_-]{40,})"),
    _vendor("Atlassian, Linear, Notion, Postman, Pulumi, Doppler, Supabase, 1Password", "TOOL",
            "`ATATT3`, `lin_api_`, `ntn_`, `PMAK-`, `pul-`, `dp.pt.`, `sbp_`, `ops_eyJ`",
            r"ATATT3[A-Za-z0-9_=-]{40,}", r"lin_api_[A-Za-z0-9]{30,}", r"ntn_[A-Za-z0-9]{40,}",
            r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}", r"pul-[a-f0-9]{40}",
            r"dp\.(?:pt|st|sa|ct|scim|audit)\.[A-Za-z0-9.]{40,}", r"sb[ps]_[A-Za-z0-9_]{40,}",
            r"ops_eyJ[A-Za-z0-9+/_-]{60,}={0,2}"),
)  # fmt: skip
