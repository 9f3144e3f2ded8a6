r"""The environment that project code may see: a copy without secrets.

A variable is removed if one of these rules holds. Names are compared without case and in words:
`DB_PASSWORD`, `dbPassword` and `db.password` are all DB, PASSWORD; digits at a word's end do not
count.

    rule                          removed                            stays
    ------------------------------------------------------------------------------------------
    prefix of a cloud or vault    AWS_PROFILE, GOOGLE_APPLICATION_   AWSOME
    git, ssh, gpg, qwenagent      GIT_ASKPASS, SSH_AUTH_SOCK         GITLAB
    a secret word                 API_KEY, NPM_AUTH, PHP_SESSION     MONKEY, AUTHOR
    a word that ends in a         GITHUBTOKEN, MYPASSWORD            TOKENIZERS_PARALLELISM,
      long secret word                                               SECRETARY
    _API_ in the middle           FOO_API_URL                        API_URL, RAPID
    a value with a password       PIP_INDEX_URL=https://u:p@host/    PIP_INDEX_URL=https://host/
      in a URL, or a private key

`PWD` and `OLDPWD` are folders and stay. The rest is kept as it is, but for the settings in
`_SET`, which make test output plain and repeatable, and `_UNSET`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

_PREFIXES = (
    *("AWS_", "AZURE_", "ARM_", "GOOGLE_", "GCP_", "GCLOUD_", "CLOUDSDK_", "ALICLOUD_", "VAULT_"),
    *("GIT_", "SSH_", "GPG_", "QWENAGENT_"),
)
_WORDS = frozenset(
    [
        "KEY",
        "KEYS",
        "AUTH",
        "PASS",
        "PWD",
        "PAT",
        "JWT",
        "DSN",
        "CREDS",
        "SESSION",
        "SESSIONS",
        "BEARER",
        "NETRC",
        "KUBECONFIG",
    ]
)
_ENDINGS = (
    *("TOKEN", "TOKENS", "SECRET", "SECRETS", "PASSWORD", "PASSWORDS", "PASSWD", "PASSPHRASE"),
    *("CREDENTIAL", "CREDENTIALS", "APIKEY", "APIKEYS", "ACCESSKEY", "COOKIE", "COOKIES"),
    *("ASKPASS", "OAUTH"),
)
_FOLDERS = frozenset({"PWD", "OLDPWD"})
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SECRET_VALUE = re.compile(
    r"[a-z][a-z0-9+.-]*://[^/\s:@]*:(?!\d+/)[^\s@]+@"
    r"|https?://[^/\s@]+@"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY",
    re.IGNORECASE,
)

_SET = {
    "TERM": "dumb",
    "NO_COLOR": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONHASHSEED": "0",
}
# The first takes the project's folder off sys.path; the others win over NO_COLOR.
_UNSET = frozenset({"PYTHONSAFEPATH", "FORCE_COLOR", "CLICOLOR_FORCE", "PY_COLORS"})


def scrubbed(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what of `environ` project code may see, with plain and repeatable output asked for."""
    kept = {
        name: value
        for name, value in environ.items()
        if name not in _UNSET and not is_secret(name, value)
    }
    return {"PATH": os.defpath, **kept, **_SET}


def is_secret(name: str, value: str = "") -> bool:
    """True if a variable of this name, or with this value, is withheld from project code."""
    if name in _FOLDERS:
        return False
    upper = name.upper()
    return (
        upper.startswith(_PREFIXES)
        or "_API_" in upper
        or any(_is_secret_word(word) for word in _words(name))
        or _SECRET_VALUE.search(value) is not None
    )


def _words(name: str) -> list[str]:
    parts = re.split(r"[^A-Za-z0-9]+", _CAMEL.sub("_", name))
    return [part.rstrip("0123456789").upper() for part in parts]


def _is_secret_word(word: str) -> bool:
    return word in _WORDS or word.endswith(_ENDINGS)
