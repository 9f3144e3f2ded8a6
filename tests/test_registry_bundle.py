"""Bundles: made of a small stand-in for a model and of stand-ins for wheels; and one real one."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from qwenagent import __version__
from qwenagent.errors import (
    ChecksumMismatch,
    ModelError,
    ModelNotFound,
    QwenAgentError,
    UnknownModel,
    UsageError,
)
from qwenagent.registry import (
    Card,
    Manifest,
    export,
    find_card,
    installed,
    models_dir,
    path_of,
    place_bundle,
    place_file,
    read_manifest,
)
from qwenagent.registry.bundle.repack import repack, source_of
from tests.needs import program
from tests.registry_standins import PAYLOAD, ship_tiny_card


def quiet(*_: object) -> None:
    return None


@pytest.fixture(autouse=True)
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Card:
    """The 0.5b, whose official file is small here."""
    ship_tiny_card(tmp_path / "assets")
    monkeypatch.setenv("QWENAGENT_ASSETS", str(tmp_path / "assets"))
    monkeypatch.setenv("QWENAGENT_HOME", str(tmp_path / "a home"))
    return find_card("0.5b")


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "some wheels"
    folder.mkdir()
    (folder / "qwenagent-0-py3-none-any.whl").write_bytes(b"a wheel")
    (folder / "other-1-py3-none-any.whl").write_bytes(b"another wheel")
    (folder / "notes.txt").write_text("no wheel", encoding="utf-8")
    return folder


@pytest.fixture
def bundle(tmp_path: Path, card: Card, wheels: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle, and a store that is empty again."""
    store(card)
    folder = tmp_path / "my bundle"
    export([card], folder, on_progress=quiet, wheels=wheels)
    monkeypatch.setenv("QWENAGENT_HOME", str(tmp_path / "another home"))
    return folder


def store(card: Card) -> Path:
    path = path_of(card)
    path.parent.mkdir(parents=True)
    path.write_bytes(PAYLOAD)
    return path


def test_what_is_in_a_bundle(bundle, card):
    manifest = read_manifest(bundle)
    contents = {
        "INSTALL.md",
        "cards/0.5b.toml",
        f"models/{card.file}",
        "wheels/other-1-py3-none-any.whl",
        "wheels/qwenagent-0-py3-none-any.whl",
    }
    assert manifest == Manifest(
        qwenagent=__version__,
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        system=f"{platform.system()} {platform.machine()}",
        libc=" ".join(platform.libc_ver()).strip(),
        models=("0.5b",),
        files=manifest.files,
    )
    there = {p.relative_to(bundle).as_posix() for p in bundle.rglob("*") if p.is_file()}
    assert there == contents | {"manifest.json", "SHA256SUMS"}
    assert set(manifest.files) == contents
    for name, entry in manifest.files.items():
        content = (bundle / name).read_bytes()
        assert (entry.size_bytes, entry.sha256) == (
            len(content),
            hashlib.sha256(content).hexdigest(),
        )
    assert card.sha256 in (bundle / "cards" / "0.5b.toml").read_text(encoding="utf-8")


def test_the_sums_are_those_that_the_usual_program_reads(bundle):
    done = subprocess.run(
        [program("sha256sum"), "--quiet", "-c", "SHA256SUMS"],
        cwd=bundle,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_text_has_the_commands(bundle):
    text = (bundle / "INSTALL.md").read_text(encoding="utf-8")
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for line in (
        f"{python} -m venv ~/qwenagent",
        "~/qwenagent/bin/pip install --no-index --find-links wheels qwenagent",
        "~/qwenagent/bin/qwenagent models import .",
    ):
        assert f"\n{line}\n" in text
    assert f"**{platform.system()} {platform.machine()}**" in text
    assert "{{" not in text


def test_a_bundle_is_installed_and_found_there_again(bundle, card):
    (placed,) = place_bundle(bundle, quiet)
    assert (placed.card, placed.path, placed.how) == (card, path_of(card), "linked")
    assert installed(card) == path_of(card)
    assert path_of(card).read_bytes() == PAYLOAD
    (again,) = place_bundle(bundle, quiet)
    assert again.how == "was there"
    assert {p.suffix for p in models_dir().iterdir()} == {".gguf", ".lock", ".verified"}


def test_where_nothing_can_be_linked_it_is_copied(bundle, card, tmp_path):
    """Another file system: the one that /dev/shm is on."""
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system here")
    elsewhere = shared / f"qwenagent-{os.getpid()}"
    shutil.copytree(bundle, elsewhere)
    try:
        seen: list[tuple[str, int, int]] = []
        (placed,) = place_bundle(elsewhere, lambda *report: seen.append(report))
    finally:
        shutil.rmtree(elsewhere)
    assert placed.how == "copied"
    assert installed(card) == path_of(card)
    assert seen[-1] == ("copying 0.5b", len(PAYLOAD), len(PAYLOAD))


def model_in(bundle: Path) -> Path:
    (path,) = (bundle / "models").iterdir()
    path_bytes = path.read_bytes()
    path.unlink()  # a link so far: what follows must not change the first store
    path.write_bytes(path_bytes)
    return path


def damage_model(bundle: Path) -> None:
    model_in(bundle).write_bytes(PAYLOAD[:-1] + b"!")


def cut_model(bundle: Path) -> None:
    model_in(bundle).write_bytes(PAYLOAD[:-1])


def damage_wheel(bundle: Path) -> None:
    wheel = bundle / "wheels" / "other-1-py3-none-any.whl"
    wheel.unlink()
    wheel.write_bytes(b"!")


def edit_manifest(bundle: Path, **changes: object) -> None:
    path = bundle / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes), encoding="utf-8")


ENTRY = {"size_bytes": 1, "sha256": "0" * 64}


@pytest.mark.parametrize(
    ("damage", "error", "told"),
    [
        (damage_model, ChecksumMismatch, r"not the official 0\.5b: 1,000,000 of 1,000,000 bytes"),
        (cut_model, ChecksumMismatch, r"not the official 0\.5b: 999,999 of 1,000,000 bytes"),
        (lambda b: model_in(b).unlink(), ModelNotFound, r"\.gguf is missing"),
        (damage_wheel, ChecksumMismatch, r"other-1-py3-none-any\.whl is damaged: SHA-256"),
        (lambda b: (b / "INSTALL.md").unlink(), ModelNotFound, r"INSTALL\.md .* cannot be read"),
        (lambda b: (b / "manifest.json").unlink(), ModelNotFound, "is no bundle"),
        (lambda b: (b / "manifest.json").write_text("{"), ModelError, r"manifest\.json is damaged"),
        (
            lambda b: (b / "manifest.json").write_bytes(b'{"qwenagent": "\xff"}'),
            ModelError,
            r"manifest\.json is damaged",
        ),
        (lambda b: edit_manifest(b, models=3), ModelError, r"damaged: .* `\$\.models`"),
        (lambda b: edit_manifest(b, format=2), ModelError, "a bundle of format 2"),
        (
            lambda b: edit_manifest(b, files={"models/../../x": ENTRY}),
            ModelError,
            "outside of the bundle",
        ),
        (lambda b: edit_manifest(b, files={"/etc/x": ENTRY}), ModelError, "outside of the bundle"),
        (lambda b: edit_manifest(b, files={"models/9b.gguf": ENTRY}), UnknownModel, "no card of"),
    ],
)
def test_a_bundle_that_is_not_whole(bundle, card, damage, error, told):
    damage(bundle)
    with pytest.raises(error, match=told) as caught:
        place_bundle(bundle, quiet)
    assert caught.value.hint or "outside" in caught.value.message
    assert installed(card) is None
    left = models_dir().iterdir() if models_dir().exists() else ()
    assert {path.suffix for path in left} <= {".lock"}


def test_one_file_is_known_by_its_bytes(tmp_path, card):
    path = tmp_path / "größe 0,5.gguf"
    path.write_bytes(PAYLOAD)
    placed = place_file(path, quiet)
    assert (placed.card, placed.how, installed(card)) == (card, "linked", path_of(card))
    path.write_bytes(b"short")
    with pytest.raises(UnknownModel, match="none of the official"):
        place_file(path, quiet)
    with pytest.raises(ModelNotFound, match="there is no model file"):
        place_file(tmp_path / "none.gguf", quiet)


def test_an_interrupted_import_leaves_nothing(bundle, card):
    def interrupt(what: str, *_: int) -> None:
        if what.startswith("checking 0.5b"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        place_bundle(bundle, interrupt)
    assert {path.suffix for path in models_dir().iterdir()} == {".lock"}
    assert place_bundle(bundle, quiet)[0].how == "linked"


def test_an_export_may_be_made_again_and_after_an_interruption(tmp_path, card, wheels):
    store(card)
    folder = tmp_path / "bundle"

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export([card], folder, on_progress=interrupt, wheels=wheels)
    with pytest.raises(ModelNotFound, match="is no bundle"):
        read_manifest(folder)
    first = export([card], folder, on_progress=quiet, wheels=wheels)
    (wheels / "other-1-py3-none-any.whl").unlink()
    second = export([card], folder, on_progress=quiet, wheels=wheels)
    assert set(first.files) - set(second.files) == {"wheels/other-1-py3-none-any.whl"}
    assert read_manifest(folder) == second


def test_a_model_that_is_a_link_is_exported_as_a_file(tmp_path, card, wheels):
    elsewhere = tmp_path / "elsewhere.gguf"
    store(card).rename(elsewhere)
    path_of(card).symlink_to(elsewhere)
    export([card], tmp_path / "bundle", on_progress=quiet, wheels=wheels)
    exported = tmp_path / "bundle" / "models" / card.file
    assert not exported.is_symlink()
    assert exported.read_bytes() == PAYLOAD
    path_of(card).unlink()
    path_of(card).parent.joinpath("other.gguf").symlink_to(elsewhere)
    assert not place_file(path_of(card).parent / "other.gguf", quiet).path.is_symlink()


def test_what_cannot_be_exported(tmp_path, card, wheels):
    def refused(folder: Path, wheels: Path = wheels) -> str:
        with pytest.raises(QwenAgentError) as caught:
            export([card], folder, on_progress=quiet, wheels=wheels)
        assert caught.value.exit_code == (2 if isinstance(caught.value, UsageError) else 4)
        return caught.value.message

    assert refused(tmp_path / "new") == "Qwen2.5-Coder-0.5B-Instruct is not on this machine"
    assert not (tmp_path / "new").exists()
    store(card)
    assert refused(wheels / "..").endswith("which is written anew")
    site = tmp_path / "site"
    (site / "models").mkdir(parents=True)
    (site / "manifest.json").write_text('{"name": "an app of others"}', encoding="utf-8")
    assert refused(site).endswith("is not empty and no bundle")
    assert (site / "models").is_dir()
    assert "which is written anew" in refused(tmp_path)
    assert len(list(wheels.iterdir())) == 3
    assert refused(wheels / "notes.txt").endswith("is a file, and a bundle is a folder")
    assert "cannot be written" in refused(wheels / "notes.txt" / "below")
    (wheels / "qwenagent-0-py3-none-any.whl").unlink()
    assert refused(tmp_path / "new").endswith("has 1 wheels and none of qwenagent")


# -- wheels -----------------------------------------------------------------------------------


def test_an_installed_package_becomes_a_wheel_again(tmp_path):
    wheel = repack("click", tmp_path)
    version = metadata.version("click")
    assert wheel.name == f"click-{version}-py3-none-any.whl"
    target = tmp_path / "target"
    arguments = ["install", "-q", "--no-index", "--no-deps", "--target", str(target), str(wheel)]
    subprocess.run(
        [sys.executable, "-m", "pip", *arguments, "--disable-pip-version-check"],
        check=True,
        env=os.environ | {"PIP_CONFIG_FILE": os.devnull},
    )
    installed_files = {
        str(file): file.read_binary()
        for file in metadata.files("click") or []
        if file.parts[0] == "click" and "__pycache__" not in file.parts
    }
    assert "click/core.py" in installed_files
    for name, content in installed_files.items():
        assert (target / name).read_bytes() == content
    with zipfile.ZipFile(wheel) as archive:
        record = archive.read(f"click-{version}.dist-info/RECORD").decode()
        assert {line.split(",")[0] for line in record.splitlines()} == set(archive.namelist())
        assert not any(name.endswith(("INSTALLER", "direct_url.json")) for name in record.split())


@pytest.fixture
def small_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package of one module, with two tags, as compiled ones have."""
    folder = tmp_path / "site"
    info = folder / "small_one-2.0.dist-info"
    info.mkdir(parents=True)
    (folder / "small.py").write_text("ONE = 1\n", encoding="utf-8")
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"ONE = 1\n").digest()).rstrip(b"=").decode()
    tags = "Tag: cp311-abi3-linux_a\nTag: cp311-abi3-linux_b\n"
    (info / "WHEEL").write_text(f"Wheel-Version: 1.0\n{tags}", encoding="utf-8")
    (info / "METADATA").write_text("Name: small-one\nVersion: 2.0\n", encoding="utf-8")
    (info / "RECORD").write_text(
        f"small.py,sha256={digest},8\n../bin/small,,\n{info.name}/WHEEL,,\n{info.name}/RECORD,,\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(folder))
    return folder


def test_tags_are_joined_and_scripts_left_to_pip(small_package, tmp_path):
    wheel = repack("small-one", tmp_path)
    assert wheel.name == "small_one-2.0-cp311-abi3-linux_a.linux_b.whl"
    assert zipfile.ZipFile(wheel).namelist() == [
        "small.py",
        "small_one-2.0.dist-info/WHEEL",
        "small_one-2.0.dist-info/RECORD",
    ]


def test_a_package_that_was_changed_is_not_passed_on(small_package, tmp_path):
    (small_package / "small.py").write_text("ONE = 2\n", encoding="utf-8")
    with pytest.raises(ChecksumMismatch, match=r"small\.py has changed"):
        repack("small-one", tmp_path)
    (small_package / "small.py").unlink()
    with pytest.raises(ModelNotFound, match=r"small\.py of an installed package is missing"):
        repack("small-one", tmp_path)
    with pytest.raises(ModelNotFound, match="is not installed"):
        repack("no-such-package", tmp_path)


def test_an_editable_installation_is_told_from_others(small_package):
    assert source_of("small-one") == ""
    about = {"url": "file:///some%20where/x", "dir_info": {"editable": True}}
    url = small_package / "small_one-2.0.dist-info" / "direct_url.json"
    url.write_text(json.dumps(about), encoding="utf-8")
    assert source_of("small-one") == "/some where/x"


@pytest.mark.slow
def test_a_real_bundle_installs_where_there_is_no_network(tmp_path, test_gguf, monkeypatch):
    """About half a minute: wheels by pip, a new environment, and a namespace without network."""
    monkeypatch.delenv("QWENAGENT_ASSETS")
    real = find_card("0.5b")
    path_of(real).parent.mkdir(parents=True)
    path_of(real).symlink_to(test_gguf)
    folder = tmp_path / "bundle"
    export([real], folder, on_progress=quiet)
    bare = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "QWENAGENT_HOME": str(tmp_path / "there"),
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "PIP_CONFIG_FILE": os.devnull,
    }
    cut_off = ["unshare", "--user", "--map-root-user", "--net"]
    if not shutil.which("unshare") or subprocess.run([*cut_off, "true"], check=False).returncode:
        cut_off = []
    bin_dir = tmp_path / "venv" / "bin"

    def there(*command: str | Path) -> str:
        done = subprocess.run(
            [*cut_off, *map(str, command)], cwd=folder, env=bare, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    there(sys.executable, "-m", "venv", tmp_path / "venv")
    there(bin_dir / "pip", "install", "--no-index", "--find-links", "wheels", "qwenagent")
    there(bin_dir / "qwenagent", "models", "import", ".")
    listed = there(bin_dir / "qwenagent", "models", "list")
    assert [line.split()[0] for line in listed.splitlines() if "installed" in line] == ["0.5b"]
    assert "has the official SHA-256" in there(bin_dir / "qwenagent", "models", "verify")
    there(bin_dir / "python", "-c", "import llama_cpp")
