"""Collects what is really secret on this machine: the first layer, exact values.

Reads the environment, `.env` and key files of the repository, git's configuration and well-known
files of credentials. The keyring's and other keys of the program are given. Nothing found here is
shown, logged or kept on disk.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from qwenagent.escalate.secrets import Known, look
from qwenagent.sandbox import is_secret
from qwenagent.workspace import VENDORED

_EXAMPLES = (".example", ".sample", ".template", ".dist", ".tmpl", ".defaults")
_KEY_SUFFIXES = (
    *(".pem", ".key", ".p12", ".pfx", ".jks", ".keystore", ".ppk", ".kdbx", ".gpg", ".asc", ".age"),
    *(".ovpn", ".mobileprovision", ".tfvars", ".tfstate", ".tfstate.backup"),
)
_KEY_NAMES = re.compile(
    r"""\.?env | \.env\..+ | .+\.env | \.envrc | env\.local
    | id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)? | \.netrc | _netrc | \.pgpass | \.my\.cnf | \.htpasswd
    | \.npmrc | \.pypirc | \.yarnrc(?:\.yml)? | \.dockercfg | \.git-credentials | \.vault[-_]token
    | \.boto | \.s3cfg | \.credentials | credentials(?:\.(?:json|ya?ml|toml|ini|xml|csv))?
    | secrets?\.(?:json|ya?ml|toml|ini|env|properties|xml|txt) | master\.key | kubeconfig
    | service[-_]?account.*\.json | client_secrets?.*\.json | google-services\.json
    | application_default_credentials\.json | .*-credentials\.json""",
    re.VERBOSE | re.IGNORECASE,
)
_KEY_FOLDERS = frozenset({".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".secrets"})
_PUBLIC = (".pub", ".pub.pem", ".crt", ".cer", ".csr")

HOME_FILES = (
    *(".netrc", ".git-credentials", ".npmrc", ".pypirc", ".aws/credentials", ".docker/config.json"),
    *(".config/gh/hosts.yml", ".config/glab-cli/config.yml", ".config/git/credentials", ".pgpass"),
    *(".cargo/credentials.toml", ".gem/credentials", ".cache/huggingface/token", ".yarnrc.yml"),
    *(".terraform.d/credentials.tfrc.json", ".kube/config", ".config/hub"),
)
"""Files of credentials in the home folder whose values are looked for."""

_MAX_BYTES = 256_000
_MAX_ENTRIES = 50_000
_MAX_DEPTH = 8
_SKIPPED = VENDORED | {".git", ".hg", ".venv", "venv", "__pycache__", "target", "dist", "build"}
_VENDOR = re.compile(r"(?:AWS|AZURE|ARM|GOOGLE|GCP|GCLOUD|CLOUDSDK|GIT|SSH|GPG|QWENAGENT)_")
_LINE = re.compile(r"""\s*(?:export\s+)?["']?[\w./:-]+["']?\s*[=:]\s*(.*?)\s*""")
_QUOTED_VALUE = re.compile(r"""["']([^"'\\\n]{8,})["'](?!\s*:)""")
_PLAIN_URL = re.compile(r"https?://[^/\s@?]+(?:/[^\s@?]{0,15})?")
_PATH = re.compile(r"(?:~|\.{0,2})/|[A-Za-z]:\\")


def is_key_file(path: str) -> bool:
    """Return whether a file holds secrets by its name: `.env`, keys, credentials.

    Templates of such files, `.env.example` say, hold none.
    """
    pure = PurePosixPath(path)
    name = pure.name.casefold()
    if name.endswith(_EXAMPLES) or name.endswith(_PUBLIC):
        return False
    return (
        name.endswith(_KEY_SUFFIXES)
        or _KEY_NAMES.fullmatch(name) is not None
        or any(part.casefold() in _KEY_FOLDERS for part in pure.parts[:-1])
    )


def from_environment(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the values of the variables that are secret by their name or their look."""
    for name, value in environ.items():
        # What begins with a vendor's name is withheld from programs, but not all of it is secret.
        own = _VENDOR.sub("", name, count=1) if _VENDOR.match(name) else name
        if is_secret(own, value) and not _leads_to_a_file(value):
            yield value
        yield from from_text(value)


def from_text(text: str) -> Iterator[str]:
    """Yield what looks like a secret in a text: git's configuration, a file of credentials."""
    yield from (found.value for found in look(text) if found.value)


def from_key_file(text: str) -> Iterator[str]:
    """Yield all that a file of secrets sets or quotes, and the lines of a key."""
    yield from from_text(text)
    yield from _QUOTED_VALUE.findall(text)
    for line in text.split("\n"):
        match = _LINE.fullmatch(line)
        value = match[1] if match else line.strip()
        value = value.removesuffix(",").strip("\"'`")
        if not value.startswith(("#", "//", "-----")) and not _PLAIN_URL.fullmatch(value):
            yield value


def key_files(root: Path) -> Iterator[Path]:
    """Yield the files under a folder that hold secrets by their name, ignored ones too.

    Not in folders of code that comes from elsewhere, nor deeper than eight, nor through links.
    """
    left = _MAX_ENTRIES
    for folder, folders, names in os.walk(root):
        depth = len(Path(folder).relative_to(root).parts)
        folders[:] = sorted(set(folders) - _SKIPPED) if depth < _MAX_DEPTH else []
        for name in sorted(names):
            path = Path(folder) / name
            left -= 1
            if left > 0 and is_key_file(path.relative_to(root).as_posix()) and _is_small(path):
                yield path


def collect(
    *,
    environ: Mapping[str, str],
    root: Path,
    git_config: str = "",
    home: Path | None = None,
    given: Iterable[str] = (),
) -> Known:
    """Return what is known to be secret. A file that cannot be read is passed over.

    Args:
        environ: the whole environment of the program.
        root: of the repository.
        git_config: what `git config --list` prints, addresses of remotes among it.
        home: whose `HOME_FILES` are read.
        given: the program's own keys: of providers, from the keyring.
    """
    known = Known()
    files = [] if home is None else [home / name for name in HOME_FILES]
    _add(known, given)
    _add(known, from_environment(environ))
    _add(known, from_text(git_config))
    for path in (*key_files(root), *filter(_is_small, files)):
        _add(known, from_key_file(_read(path)))
    return known


def _add(known: Known, values: Iterable[str]) -> None:
    for value in values:
        known.add(value)


def _read(path: Path) -> str:
    try:
        return path.read_bytes()[:_MAX_BYTES].decode("utf-8-sig", "replace").replace("\r\n", "\n")
    except OSError:  # not ours to read, so nothing of it can be in a request either
        return ""


def _is_small(path: Path) -> bool:
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size <= _MAX_BYTES


def _leads_to_a_file(value: str) -> bool:
    # os.path: a value may be no path at all, which pathlib answers with an exception.
    return _PATH.match(value) is not None and os.path.exists(os.path.expanduser(value))  # noqa: PTH110, PTH111
