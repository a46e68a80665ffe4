"""Whether this machine is fit for a run: what was looked at, what was found, what to do.

Invariant: looking changes nothing and costs nothing, but for the one call to each model that has to be asked for.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from dgm.config import ROLES, Config, ConfigError, ModelConfig, SandboxConfig
from dgm.durable import ROOM
from dgm.llm import REPLAY

LEAST_DISK = 2_000_000_000


class Check(Struct, frozen=True):
    """`level`: ok, warn (a run is possible, but) or fail (it is not). `advice`: what to do, empty where all is well."""

    name: str
    level: Literal["ok", "warn", "fail"]
    found: str
    advice: str = ""


def examine(config: Config, archive: Path, environ: Mapping[str, str], call: bool = False) -> Iterator[Check]:
    """All checks, each as soon as it is done. `call`: ask each model one tiny question."""
    yield python()
    yield git()
    yield disk("disk of the archive", nearest(archive))
    yield from temporary()
    yield from sandbox(config)
    models: list[ModelConfig] = []
    for model in map(config.model, ROLES):
        if model not in models:
            models.append(model)
            yield from model_checks(model, environ, call)


def python() -> Check:
    """Versions that are too old cannot even install dgm."""
    return Check("python", "ok", f"{'.'.join(map(str, sys.version_info[:3]))} ({sys.executable})")


def git() -> Check:
    import subprocess

    path = shutil.which("git")
    if path is None:
        return Check("git", "warn", "not found", "a run does not need it; install it to look at agents with plain git")
    told = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=False)
    return Check("git", "ok", f"{told.stdout.strip()} ({path})")


def nearest(path: Path) -> Path:
    """The folder that `path` is, or would be made in."""
    path = path.absolute()
    while not path.is_dir():
        path = path.parent
    return path


def disk(name: str, folder: Path) -> Check:
    free = shutil.disk_usage(folder).free
    found = f"{free / 1e9:,.1f} GB free at {folder}"
    if free < ROOM:
        return Check(name, "fail", found, f"make room: no job begins with less than {ROOM / 1e6:.0f} MB free")
    if free < LEAST_DISK:
        return Check(name, "warn", found, "make room: transcripts and patches of a long run need some gigabytes")
    return Check(name, "ok", found)


def temporary() -> Iterator[Check]:
    """The temporary folder, in which plain processes work, and below which agents reach the model by unix sockets."""
    from dgm.gateway import LONGEST_FOLDER

    try:
        folder = tempfile.gettempdir()
    except FileNotFoundError as error:
        yield Check("temporary folder", "fail", str(error), "set TMPDIR to a folder that can be written")
        return
    yield disk("temporary folder", Path(folder))
    if len(folder.encode()) < LONGEST_FOLDER:
        yield Check("sockets", "ok", f"paths below {folder} are short enough")
    else:
        yield Check("sockets", "warn", f"{folder} is a long path for unix sockets: /tmp is used", "set TMPDIR=/tmp")


# ---------------------------------------------------------------- engine and sandbox


def sandbox(config: Config) -> Iterator[Check]:
    """The engine, what it can do, the image, and which sandbox a run would use."""
    from dgm.protocols import SandboxFault
    from dgm.sandbox import open_sandbox, own_id, tidied

    if config.sandbox.kind != "local":
        needed = config.sandbox.kind == "docker" or not (config.simulated or config.sandbox.local_with_real_models)
        yield from engine_checks(config.sandbox, needed)
    try:
        chosen = open_sandbox(config.sandbox, own_id("doctor"), config.simulated)
        with closing(chosen), tidied(chosen, "examining"):
            chosen.check()
    except SandboxFault as fault:
        yield Check("sandbox", "fail", str(fault), "see what it says, or see sandbox.kind in the configuration")
        return
    except OSError as error:
        yield Check("sandbox", "fail", f"{error.filename}: {error.strerror}", "name a folder in DGM_CACHE")
        return
    if chosen.name == "local":
        advice = "it limits accidents, not attackers; only the simulated model may use it by default"
        yield Check("sandbox", "warn", f"local{f' ({chosen.note})' if chosen.note else ''}", advice)
    else:
        yield Check("sandbox", "ok", f"{chosen.name}: one errand ran with every limit in force")


def engine_checks(config: SandboxConfig, needed: bool) -> Iterator[Check]:
    from dgm.protocols import SandboxFault
    from dgm.sandbox.engine import connect, faults, holds
    from dgm.sandbox.images import Images

    bad: Literal["warn", "fail"] = "fail" if needed else "warn"
    try:
        client = connect()
    except SandboxFault as fault:
        yield Check("engine", bad, str(fault))
        return
    try:
        with faults("telling about itself"):
            info, version, here = client.info(), client.version(), holds(client, config.image)
            images = Images(lambda: client, config)
            pinned, taken = images.pinned(config.image), images.taken()
    except SandboxFault as fault:
        yield Check("engine", bad, str(fault))
        return
    finally:
        client.close()
    yield Check("engine", "ok", f"{version.get('Version')} (API {version.get('ApiVersion')})")
    yield limits(info, bad)
    root = Path(str(info.get("DockerRootDir") or "/nonexistent"))
    if root.is_dir():
        yield disk("disk of the engine", root)
    yield room(config, *taken)
    if here:
        yield Check("image", "ok", f"{config.image} is here")
    elif pinned:
        yield Check("image", "ok", f"{config.image} was removed to make room, and is fetched again when it is needed")
    else:
        yield Check("image", bad, f"{config.image} is not here", "`dgm prepare` gets it; or set sandbox.image")


def room(config: SandboxConfig, taken: int, free: int | None) -> Check:
    """The budget of disk for images. `taken`, `free`: bytes, None where unknown."""
    found = f"{taken / 1e9:.1f} of at most {config.images_gb:g} GB taken by images of dgm's"
    if free is None:
        return Check("room for images", "ok", f"{found}; the engine's disk is not this machine's")
    left = free / 1e9 - config.free_gb
    found += f"; {max(left, 0):.1f} GB may be added while {config.free_gb:g} stay free"
    if left <= 0:
        return Check("room for images", "warn", found, "no image can be pulled: make room, or lower sandbox.free_gb")
    return Check("room for images", "ok", found)


def limits(info: Mapping[str, Any], bad: Literal["warn", "fail"]) -> Check:
    from dgm.sandbox.engine import unlimited

    if missing := unlimited(info):
        found = f"the engine cannot limit {', '.join(missing)}"
        return Check("limits", bad, found, "enable these cgroup controllers for it")
    return Check("limits", "ok", "memory, processes and cpu can be limited")


# ---------------------------------------------------------------- models


def model_checks(config: ModelConfig, environ: Mapping[str, str], call: bool) -> Iterator[Check]:
    """Whether the model could be asked, what it costs, and with `call` whether it answers."""
    name = f"model {config.name}"
    if config.name == "scripted":
        yield Check(name, "ok", "a simulation: no key, no cost")
        return
    if config.name.startswith(REPLAY):
        yield Check(name, "ok", "a recording: no key, no provider")
        return
    keyless = bool(config.api_key_env) and not environ.get(config.api_key_env)
    if keyless:
        yield Check(name, "fail", f"{config.api_key_env} is not set", f"export {config.api_key_env}=...")
    from dgm.llm.provider import ProviderModel
    from dgm.spending import price_of

    try:
        model = ProviderModel(config, environ)
        price = price_of(config, model)
    except ConfigError as error:
        yield Check(name, "fail", str(error), "see what it says")
        return
    if keyless:
        return
    known = f"{price.usd_in * 1e6:g} USD in, {price.usd_out * 1e6:g} USD out per million tokens"
    key = f"{config.api_key_env} is set" if config.api_key_env else "no key variable is named"
    yield Check(name, "ok", f"{known}; {key}")
    if call:
        yield asked(name, model, config)


def asked(name: str, model: Any, config: ModelConfig) -> Check:
    from dgm.protocols import ModelFault

    request = {
        "model": model.name,
        "messages": [{"role": "user", "content": "Reply with the word ready."}],
        "max_tokens": 16,
    }
    try:
        reply = model.complete(request, 60.0)
    except ModelFault as fault:
        advice = f"see that {config.api_base or 'the provider'} answers, and try again"
        if fault.kind != "busy":
            key = f"the key in {config.api_key_env}" if config.api_key_env else "the key"
            advice = f"check {key}, the model's name, the credit and the address"
        return Check(f"{name}, one call", "fail", f"{fault.kind}: {fault}", advice)
    return Check(f"{name}, one call", "ok", f"it answered; usage {reply.get('usage')}")
