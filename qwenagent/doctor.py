"""What `qwenagent doctor` looks at, one finding each."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from qwenagent.awake import how_awake
from qwenagent.config import load_settings
from qwenagent.errors import (
    ChecksError,
    ConfigError,
    EngineError,
    ModelError,
    ModelLoadFailed,
    QwenAgentError,
)

if TYPE_CHECKING:
    from qwenagent.engine import Device
    from qwenagent.registry import Card, Fit, Machine


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `ok` None is a warning."""

    ok: bool | None
    name: str
    detail: str
    hint: str = ""


def examine(folder: Path) -> Iterator[Finding]:
    """Yield findings about the machine, then about the repository in `folder`."""
    yield Finding(
        sys.platform in ("linux", "darwin"),
        "system",
        f"{platform.platform()}, Python {platform.python_version()}",
        ""
        if sys.platform in ("linux", "darwin")
        else "running tests needs Linux or macOS; use WSL",
    )
    yield from _wsl(folder)
    git = shutil.which("git")
    yield Finding(bool(git), "git", git or "not found", "" if git else "install git 2.31 or newer")
    llama = _llama()
    yield llama
    if llama.ok:
        yield from _devices()
        yield _machine_gpu()
    yield from _endpoint()
    yield from _models()
    yield from _memory(loads=bool(llama.ok))
    yield _disk()
    yield from _sandbox()
    yield _sleep()
    yield from _proxy()
    yield from _repository(folder)


def _llama() -> Finding:
    from qwenagent.engine import library
    from qwenagent.registry import probe_cores

    cores = probe_cores()
    try:
        return Finding(True, "llama.cpp", f"{library()}, {cores.n_threads} threads ({cores})")
    except (ImportError, OSError, RuntimeError) as error:
        hint = f"pip install --force-reinstall --no-cache-dir {_wanted_binding()}"
        return Finding(False, "llama.cpp", f"cannot be loaded: {error}", hint)


def _wanted_binding() -> str:
    """Return the requirement on llama.cpp's binding that this program was installed with."""
    name = "llama-cpp-python"
    wanted = [line.partition(";")[0] for line in metadata.requires("qwenagent") or []]
    return next((f"'{line.strip()}'" for line in wanted if line.startswith(name)), name)


def _devices() -> Iterator[Finding]:
    from qwenagent.engine import devices

    for device in devices():
        yield _device(device)


def _device(device: Device) -> Finding:
    from qwenagent.registry import human_bytes

    free, total = human_bytes(device.free_bytes), human_bytes(device.total_bytes)
    memory = f"{free} of {total} free" if device.total_bytes else "no memory of its own"
    return Finding(True, "device", f"{device}, {device.kind}: {memory}")


def _machine_gpu() -> Finding:
    from qwenagent.engine import offload_available, visible_gpu

    return _gpu(visible_gpu(), usable=offload_available())


def _gpu(visible: str, *, usable: bool) -> Finding:
    """Judge what GPU seems to be there, and whether the installed llama.cpp can use one."""
    from qwenagent.engine import wheel_command

    if usable:
        return Finding(True, "GPU", "this build of llama.cpp uses it")
    if visible:
        detail = f"the {visible} sits idle: this build uses the CPU only"
        return Finding(None, "GPU", detail, wheel_command(visible))
    return Finding(True, "GPU", "none seen; the CPU does the work")


def _endpoint() -> Iterator[Finding]:
    """Yield something only if a server is to run the model."""
    from qwenagent.engine.remote import RemoteEngine, endpoint_of

    if not _remote():
        return
    try:
        endpoint = endpoint_of(load_settings(None, os.environ, {}).model, os.environ)
        with closing(RemoteEngine(replace(endpoint, pauses_s=(), loading_s=0.0))) as engine:
            served = engine.served
    except (ConfigError, ModelError, EngineError) as error:
        yield Finding(False, "endpoint", error.message, error.hint)
        return
    detail = f"{endpoint.host} serves {served.name}, n_ctx {served.n_ctx:,}, {served.library}"
    yield Finding(True, "endpoint", "; ".join(filter(None, (detail, endpoint.sends))))


def _remote() -> bool:
    """Return whether the user's settings name an endpoint; wrong ones are told elsewhere."""
    try:
        return bool(load_settings(None, os.environ, {}).model.endpoint)
    except ConfigError:
        return False


def _models() -> Iterator[Finding]:
    from qwenagent.registry import installed, load_cards, models_dir

    here = [card.name for card in load_cards().values() if installed(card)]
    yield Finding(
        True if here else None if _remote() else False,
        "models",
        f"{', '.join(here)} in {models_dir()}" if here else f"none in {models_dir()}",
        "" if here else "qwenagent models pull",
    )


def _memory(*, loads: bool) -> Iterator[Finding]:
    """Yield whether the model that a run would take fits, if there is one.

    `loads` tells whether llama.cpp can be asked for its GPUs.
    """
    from qwenagent.engine import gpu_memory, offload_devices
    from qwenagent.registry import chosen_model, probe_machine, require_fits

    try:
        model = load_settings(None, os.environ, {}).model
        machine = probe_machine(gpu_memory() if model.n_gpu_layers and loads else 0)
        card, _ = chosen_model(model.name, lambda: machine)
        fit = require_fits(card, machine, model.n_ctx, model.kv_type or None)
    except ConfigError:
        return  # told beside the repository
    except ModelLoadFailed as error:
        yield Finding(False, "memory", error.message, error.hint)
    except ModelError as error:
        if model.name:
            yield Finding(False, "model", error.message, error.hint)
    else:
        yield _fit(card, fit, machine)
        if loads and model.n_gpu_layers and (gpus := offload_devices()):
            yield _layers(card, fit, model.n_gpu_layers, gpus)


def _fit(card: Card, fit: Fit, machine: Machine) -> Finding:
    from qwenagent.registry import human_bytes

    if fit.notice:
        return Finding(None, "memory", fit.notice, "close programs, or name a smaller model")
    free = human_bytes(machine.model_bytes)
    return Finding(True, "memory", f"{free} free, {fit.need} for {card.name}")


def _layers(card: Card, fit: Fit, n_gpu_layers: int, gpus: Sequence[Device]) -> Finding:
    """Judge how many layers a run would put on the GPUs of this build."""
    from qwenagent.registry import layers_of, layers_on_gpu

    layers, need = layers_of(card), fit.need
    fitting = layers_on_gpu(layers, need.n_ctx, need.kv_type, [gpu.free_bytes for gpu in gpus])
    wanted = fitting if n_gpu_layers < 0 else min(n_gpu_layers, layers.count)
    told = (
        f"{wanted} of {layers.count} layers of {card.name} on the GPU with a context of "
        f"{need.n_ctx:,} tokens, KV cache in {need.kv_type}"
    )
    if wanted > fitting:
        return Finding(None, "layers", f"{told}; {fitting} fit", "set model.n_gpu_layers = -1")
    if wanted < layers.count:
        return Finding(None, "layers", told, "the CPU has to do the rest, and slows it down")
    return Finding(True, "layers", told)


def _disk() -> Finding:
    from qwenagent.registry import human_bytes, load_cards, models_dir

    folder = models_dir()
    there = next(path for path in (folder, *folder.parents) if path.is_dir())
    free = shutil.disk_usage(there).free
    wanted = min(card.size_bytes for card in load_cards().values() if card.default)
    detail = f"{human_bytes(free)} free for models in {folder}"
    if not os.access(there, os.W_OK):
        hint = "set QWENAGENT_HOME to a folder that can be written, or use what is in it"
        return Finding(None, "disk", f"{there} cannot be written", hint)
    if free < wanted:
        hint = "`models rm` makes room, QWENAGENT_HOME may be a folder on another disk"
        return Finding(None, "disk", f"{detail}; the 1.5b takes {human_bytes(wanted)}", hint)
    return Finding(True, "disk", detail)


def _sandbox() -> Iterator[Finding]:
    """Prove what the sandbox holds by trying it: about a second."""
    from qwenagent.sandbox import Level, Sandbox, prove

    sandbox = Sandbox.find(os.environ)
    if sandbox.level is Level.NONE:
        yield Finding(None, "sandbox", f"none: {sandbox.why}", "without it runs need --no-sandbox")
        return
    probes = prove(sandbox, os.environ)
    held = ", ".join(probe.name for probe in probes if probe.contained)
    yield Finding(bool(held), "sandbox", f"{sandbox.why}; tried and contained: {held or 'nothing'}")
    for probe in probes:
        if not probe.contained:
            ok = None if probe.contained is None else False
            yield Finding(ok, "sandbox", f"{probe.name}: {probe.sentence}")


def _sleep() -> Finding:
    if how := how_awake():
        return Finding(True, "sleep", f"{how} keeps the machine awake during a run")
    return Finding(
        None,
        "sleep",
        "nothing here can keep the machine awake during a run",
        "for runs overnight switch its sleep off in the system's settings",
    )


def _proxy() -> Iterator[Finding]:
    from qwenagent.registry import Hub, proxy_for

    endpoint = Hub.from_env().endpoint
    if proxy := proxy_for(endpoint):
        yield Finding(True, "proxy", f"models are fetched through {proxy}")


_KERNEL = Path("/proc/sys/kernel/osrelease")
_MOUNTS = Path("/proc/mounts")
_WINDOWS_FILE_SYSTEMS = frozenset({"9p", "drvfs", "v9fs", "virtiofs"})


def _wsl(folder: Path, kernel: Path = _KERNEL, mounts: Path = _MOUNTS) -> Iterator[Finding]:
    """Yield something only under Windows' Linux, whose kernel has the maker's name."""
    release = _text(kernel)
    if "microsoft" not in release.lower():
        return
    if "wsl2" not in release.lower():
        hint = "in PowerShell: wsl --set-version DISTRIBUTION 2"
        yield Finding(None, "WSL", f"{release.strip()} seems to be WSL 1", hint)
        return
    if _file_system(folder, _text(mounts)) in _WINDOWS_FILE_SYSTEMS:
        hint = "clone it below your Linux home: tests and git are many times faster there"
        yield Finding(None, "WSL", f"{folder} is on a Windows drive", hint)
        return
    yield Finding(True, "WSL", "version 2, and this folder is in its own file system")


def _file_system(folder: Path, mounts: str) -> str:
    """Return the type of the file system that a folder is on: the deepest mount around it."""
    types = {}
    for line in mounts.splitlines():
        _, point, kind, *_ = line.split(" ")
        types[Path(point.replace("\\040", " "))] = kind
    places = (folder.absolute(), *folder.absolute().parents)
    return next((types[place] for place in places if place in types), "")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _repository(folder: Path) -> Iterator[Finding]:
    from qwenagent.workspace import Repository

    try:
        repository = Repository.open(folder)
        head = repository.head()
    except QwenAgentError as error:
        yield Finding(None, "repository", error.message, error.hint)
        yield from _settings(None)
        return
    repository.close()
    yield Finding(True, "repository", f"{repository.root} at {head[:12]}")
    yield from _settings(repository.root)
    yield _tests(repository.root)


def _settings(root: Path | None) -> Iterator[Finding]:
    """Yield a finding only if a settings file is wrong: every run would refuse it."""
    try:
        load_settings(root, os.environ, {})
    except ConfigError as error:
        yield Finding(False, "settings", error.message, error.hint)


def _tests(root: Path) -> Finding:
    from qwenagent.checks import TestRunner, detect_found, explain_none

    found = detect_found(root, Path.cwd())
    if found is None:
        return Finding(None, "tests", explain_none(root, Path.cwd()))
    command = found.command
    try:
        tools = TestRunner(root, os.environ).tools()
    except ChecksError as error:
        return Finding(False, "tests", error.message, error.hint)
    return Finding(
        True, "tests", f"`{command.shown}` ({found.why}) with {tools.python}: {tools.why}"
    )
