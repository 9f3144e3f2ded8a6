"""What of the home folder programs need to run: toolchains, and never a secret.

Looks at the file system and runs nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

_TOOLCHAINS = (
    *(".pyenv", ".virtualenvs", ".rye", ".pixi", ".conda/envs", ".conda/pkgs", ".hatch"),
    *("conda", "miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba"),
    *(".local/bin", ".local/lib", ".local/pipx", ".cache/pypoetry/virtualenvs"),
    *(f".local/share/{name}" for name in ("uv", "pipx", "pnpm", "mise", "fnm", "hatch")),
    *(".local/share/virtualenvs", ".local/share/pypoetry", ".local/state/nix", ".nix-profile"),
    *(".nvm", ".fnm", ".volta", ".nodenv", ".deno", ".bun", ".asdf", ".mise", ".elan"),
    *(".cache/ms-playwright", ".cache/puppeteer", ".cache/Cypress"),
    *(".cargo", ".rustup", "go", ".go", ".goenv", "sdk", ".swiftly", ".dotnet", ".nuget/packages"),
    *(".sdkman", ".jdks", ".jenv", ".m2/repository", ".m2/wrapper", ".gradle/wrapper"),
    *(".rbenv", ".rvm", ".gem", ".phpenv", ".composer/vendor", ".opam", ".juliaup", ".julia"),
    *(".ghcup", ".cabal", ".stack", ".linuxbrew"),
    *("Library/Java", "Library/pnpm", "Library/Caches/ms-playwright"),
    "Library/Caches/pypoetry/virtualenvs",
)
_MASKED = (
    *(".cargo/credentials", ".cargo/credentials.toml", ".gem/credentials", ".rye/credentials"),
    *(".cabal/config", ".cabal/packages/credentials", ".stack/upload", ".julia/servers"),
    *("go/auth", ".sdkman/etc/config.credentials"),
)
"""Secrets of the toolchains above."""

_SECRET = (
    *(".ssh", ".aws", ".gnupg", ".netrc", ".npmrc", ".pypirc", ".docker", ".kube", ".config"),
    *(".azure", ".gcloud", ".oci", ".password-store", ".mozilla", ".thunderbird", ".vault-token"),
    *(".git-credentials", ".gitconfig", ".terraform.d", ".local/share/keyrings", ".pki"),
    *(".claude", ".claude.json", ".codex", ".gemini", ".bash_history", ".zsh_history", ".pgpass"),
    *(".python_history", ".my.cnf", ".cache/huggingface/token", ".yarnrc.yml", ".m2/settings.xml"),
    *("Library/Keychains", "Library/Cookies", "Library/Application Support"),
)
"""Never shown, whatever leads there."""

_VARIABLES = (
    *("VIRTUAL_ENV", "CONDA_PREFIX", "PYENV_ROOT", "UV_PYTHON_INSTALL_DIR", "PIPX_HOME"),
    *("CARGO_HOME", "RUSTUP_HOME", "GOROOT", "GOPATH", "GOMODCACHE", "JAVA_HOME", "SDKMAN_DIR"),
    *("NVM_DIR", "NVM_BIN", "FNM_DIR", "VOLTA_HOME", "PNPM_HOME", "BUN_INSTALL", "DENO_INSTALL"),
    *("ASDF_DIR", "ASDF_DATA_DIR", "MISE_DATA_DIR", "GEM_HOME", "RBENV_ROOT", "DOTNET_ROOT"),
)
_PROGRAM_FOLDERS = frozenset({"bin", "sbin", "shims", "Scripts"})
_MAX_LINKS = 20


def home_of(env: Mapping[str, str]) -> Path | None:
    """Return the real home folder, or None if there is none that could be hidden."""
    named = Path(env.get("HOME", ""))
    if not named.is_absolute() or not named.is_dir():
        return None
    home = named.resolve()
    return None if home == Path("/") else home


def toolchains(home: Path) -> list[Path]:
    """Return the folders in a home that hold programs and libraries."""
    return [home / name for name in _TOOLCHAINS if (home / name).exists()]


def masked(home: Path) -> list[Path]:
    """Return the secrets that lie in the toolchains' folders."""
    return [home / name for name in _MASKED if (home / name).exists()]


def secrets(home: Path) -> list[Path]:
    """Return all secrets in a home that cannot be hidden as a whole."""
    return [home / name for name in (*_SECRET, *_MASKED) if (home / name).exists()]


def program_folders(program: str, env: Mapping[str, str], tree: Path, home: Path) -> list[Path]:
    """Return where a program, what PATH leads to and the virtual environments need files from.

    The folders may lie anywhere, also in the home folder or in /tmp; none has a secret in it.
    """
    named = [Path(env[name]) for name in _VARIABLES if env.get(name)]
    environments = [tree / ".venv", tree / "venv", tree.parent / ".venv"]
    found = [
        *(folder for path in _links(Path(program)) for folder in _installation(path)),
        *(folder for path in _path(env) for folder in _installation(path / "any")),
        *(folder for path in [*named, *environments] for folder in _environment(path)),
    ]
    places = [str(home / name) for name in _SECRET]
    return [path for path in dict.fromkeys(found) if _is_harmless(path, str(home), places)]


def _path(env: Mapping[str, str]) -> list[Path]:
    parts = env.get("PATH", os.defpath).split(os.pathsep)
    return [Path(part) for part in parts if part.startswith(os.sep)]


def _links(program: Path) -> Iterator[Path]:
    """Yield a program and every place that its links lead over."""
    for _ in range(_MAX_LINKS):
        yield program
        if not program.is_symlink():
            break
        program = program.parent.resolve() / program.readlink()
        program = program.parent.resolve() / program.name


def _installation(program: Path) -> Iterator[Path]:
    """Yield the prefix that a program is installed under, if it is one, and its folder."""
    folder = program.parent
    if folder.name in _PROGRAM_FOLDERS:
        parts = [folder.parent / name for name in ("lib", "lib64", "versions", "pyvenv.cfg")]
        if any(part.exists() for part in parts):
            yield from (folder.parent, folder.parent.resolve())
    yield from (folder, folder.resolve())


def _environment(folder: Path) -> Iterator[Path]:
    """Yield a toolchain's folder and the Python that a virtual environment stands on."""
    if not folder.is_absolute() or not folder.is_dir():
        return
    yield from (folder, folder.resolve())
    for name in ("python", "python3"):
        links = list(_links(folder / "bin" / name))
        yield from (place for path in links[1:] for place in _installation(path))


def _is_harmless(folder: Path, home: str, places: Iterable[str]) -> bool:
    """False for a folder around the home, for one in a secret place, and for one around a secret.

    Links in a tree may have been set by code that wants to see more.
    """
    real = os.path.realpath(folder)
    if not os.path.isdir(real) or _is_in(home, real):  # noqa: PTH112 - a str, thousands of times
        return False
    return not any(_is_in(real, place) or _is_in(place, real) for place in places)


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def placed(paths: Iterable[Path]) -> list[tuple[Path, Path]]:
    """Return for each path where it is shown, without a link on the way, and what is there."""
    return [(path.parent.resolve() / path.name, path.resolve()) for path in paths]
