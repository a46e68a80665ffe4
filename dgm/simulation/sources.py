"""Which code a row of a table comes from, so that results of different code are never mixed.

Invariant: comments, docstrings and layout do not count; the simulator, the policy's own modules, the world's parameters
and the libraries of random numbers do.
"""

import ast
from collections.abc import Iterator
from functools import cache
from hashlib import blake2b
from importlib import util
from importlib.metadata import version
from pathlib import Path

import msgspec

from dgm.config import PolicyConfig
from dgm.policies import POLICIES
from dgm.simulation.families import family

CORE = (
    *("dgm.machine", "dgm.flight", "dgm.tree", "dgm.clade", "dgm.pool", "dgm.belief"),
    *("dgm.policies.choosing", "dgm.policies.budget", "dgm.policies.conclusion"),
    *("dgm.simulation.clock", "dgm.simulation.memory", "dgm.simulation.trial", "dgm.simulation.worlds"),
)
"""What every trial depends on."""
APART = ("dgm.policies", "dgm.simulation.families")
"""The lists of policies and of families: what they name counts, and not what else they name."""


@cache
def digest(policy: str, family_name: str) -> str:
    """Of all that decides a trial beside its settings, in 12 hexadecimal digits. Raises `KeyError` for an unknown
    family."""
    name, *settings = policy.split(":")
    stopping = [_of_code("dgm.policies.stopping.Stopping")] if any(one.startswith("stop=") for one in settings) else []
    parts = (_of_code(POLICIES.get(name, name)), *stopping, repr(msgspec.structs.astuple(family(family_name))))
    return blake2b("\n".join(parts).encode(), digest_size=6).hexdigest()


@cache
def _of_code(path: str) -> str:
    """A digest of all but the family; `path`: the policy's, dotted."""
    modules = (*CORE, *sorted(_closure(path.rpartition(".")[0])))
    code = "\n".join(ast.dump(_Bare().visit(_parsed(module))) for module in modules)
    defaults = msgspec.structs.asdict(PolicyConfig(name=""))
    parts = [
        path,
        code,
        *(f"{library} {version(library).rpartition('.')[0]}" for library in ("numpy", "scipy")),
        *(f"{key} {value}" for key, value in defaults.items() if f"attr='{key}'" in code),
    ]
    return blake2b("\n".join(parts).encode()).hexdigest()


def _closure(module: str) -> set[str]:
    """The policy's module and those of its package and of ours that it imports, and so on, beside `CORE`."""
    packages = ("dgm.policies.", *([] if module.startswith("dgm.") else [module.partition(".")[0] + "."]))
    found: set[str] = set()
    fresh = {module}
    while fresh:
        found |= fresh
        named = {name for one in fresh for name in _imports(one) if name.startswith(packages)}
        fresh = {name for name in named - found - {*CORE, *APART} if _file(name)}
    return found


def _imports(module: str) -> Iterator[str]:
    for node in ast.walk(_parsed(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = util.resolve_name("." * node.level + base, _package(module))
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


class _Bare(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        """Without docstrings."""
        return None if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str) else node


def _parsed(module: str) -> ast.Module:
    file = _file(module)
    return ast.parse(file.read_bytes() if file else b"")


def _package(module: str) -> str:
    spec = util.find_spec(module)
    return spec.parent or "" if spec else ""


def _file(module: str) -> Path | None:
    """A module's source, where it has one."""
    try:
        spec = util.find_spec(module) if module else None
    except (ImportError, ValueError):
        return None
    return Path(spec.origin) if spec and spec.origin and spec.origin.endswith(".py") else None
