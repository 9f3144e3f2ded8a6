"""A wheel made again from an installed distribution: the same files under the same hashes.

For what no index has in this form: this program itself, and a llama-cpp-python that was compiled
here or came from another index. Knows no network.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import zipfile
from importlib import metadata
from pathlib import Path, PurePosixPath

from qwenagent.errors import ChecksumMismatch, ModelNotFound

_OF_THE_INSTALLER = frozenset({"INSTALLER", "REQUESTED", "RECORD", "direct_url.json"})
_FIRST_DATE = (1980, 1, 1, 0, 0, 0)


def source_of(name: str) -> str:
    """Return the folder that an editable installation runs from, empty if it is none."""
    from urllib.parse import unquote, urlsplit

    told = json.loads(_distribution(name).read_text("direct_url.json") or "{}")
    if not told.get("dir_info", {}).get("editable"):
        return ""
    return unquote(urlsplit(told["url"]).path)


def repack(name: str, folder: Path) -> Path:
    """Write the wheel of an installed distribution into `folder` and return its path.

    Scripts are left out: pip makes those of entry points anew.

    Raises:
        ModelNotFound: it is not installed, or not from a wheel.
        ChecksumMismatch: one of its files has changed since.
    """
    found = _distribution(name)
    files = [file for file in _recorded(found) if _belongs(file)]
    info = next((f.parent for f in files if f.name == "WHEEL" and f.match("*.dist-info/*")), None)
    if info is None:
        raise ModelNotFound(f"{name} was not installed from a wheel", hint="reinstall it with pip")
    wheel = folder / f"{info.name.removesuffix('.dist-info')}-{_tag(found)}.whl"
    rows = []
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            content = _read(file)
            entry = zipfile.ZipInfo(str(file), _FIRST_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (Path(str(file.locate())).stat().st_mode & 0xFFFF) << 16
            archive.writestr(entry, content)
            rows.append((str(file), f"sha256={_digest(content)}", str(len(content))))
        archive.writestr(zipfile.ZipInfo(f"{info}/RECORD", _FIRST_DATE), _record(rows, info))
    return wheel


def _distribution(name: str) -> metadata.Distribution:
    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError as error:
        raise ModelNotFound(f"{name} is not installed", hint="install it with pip") from error


def _recorded(found: metadata.Distribution) -> list[metadata.PackagePath]:
    """Return all files of its record: newer versions of `Distribution.files` skip missing ones."""
    files = []
    for name, digest, _ in csv.reader((found.read_text("RECORD") or "").splitlines()):
        file = metadata.PackagePath(name)
        file.hash = metadata.FileHash(digest) if digest else None
        file.dist = found
        files.append(file)
    return files


def _belongs(file: metadata.PackagePath) -> bool:
    mine = file.parent.name.endswith(".dist-info") and file.name in _OF_THE_INSTALLER
    return not (mine or file.parts[0] == ".." or "__pycache__" in file.parts)


def _read(file: metadata.PackagePath) -> bytes:
    try:
        content = Path(str(file.locate())).read_bytes()
    except OSError as error:
        raise ModelNotFound(
            f"{file} of an installed package is missing: {error.strerror}",
            hint="reinstall the package with pip",
        ) from error
    if file.hash and file.hash.mode == "sha256" and file.hash.value != _digest(content):
        raise ChecksumMismatch(
            f"{file.locate()} has changed since it was installed",
            hint="reinstall the package with pip",
        )
    return content


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def _tag(found: metadata.Distribution) -> str:
    """Several tags are one in a file's name: each of the three parts joined by dots."""
    lines = (found.read_text("WHEEL") or "").splitlines()
    tags = [line.split(":")[1].strip() for line in lines if line.startswith("Tag:")]
    parts = zip(*(tag.split("-") for tag in tags), strict=True)
    return "-".join(".".join(dict.fromkeys(part)) for part in parts)


def _record(rows: list[tuple[str, str, str]], info: PurePosixPath) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([*rows, (f"{info}/RECORD", "", "")])
    return text.getvalue()
