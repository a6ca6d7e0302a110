"""Where a number came from: revision and digest of the sources, machine and versions."""

import ast
import hashlib
import importlib.metadata
import os
import platform
import subprocess
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1]
CODE = ("mnist1d_hf", "scripts", "pyproject.toml", "constraints.txt")
# what is done with a result once it is there: no number of a cell depends on it
AFTERWARDS = ("studies/rules", "studies/plots")
PACKAGES = ("mnist1d-hf", "numpy", "scipy", "torch", "transformers", "datasets", "scikit-learn")


def provenance(seconds: float, **more: Any) -> dict[str, Any]:
    """When, where and with which versions a number was measured, and how long that took.

    `seconds` are those of a clock on the wall; `more` is added as it is.
    """
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        **more,
        "git_revision": git_revision(),
        "machine": {
            "system": platform.system(),
            "processor": _processor(),
            "cores": os.cpu_count(),
        },
        "versions": {"python": platform.python_version(), **_versions()},
    }


def git_revision() -> str | None:
    """The commit of the checkout this file lies in, with "-dirty" when its code has changed.

    Only `CODE` counts: a run writes results and figures into the same checkout. None without git
    and for an installed copy.
    """
    root = PACKAGE.parent
    if not (root / ".git").exists():  # an installed copy, perhaps inside somebody else's checkout
        return None
    try:
        revision, changes = (
            subprocess.run(
                ["git", *command], cwd=root, capture_output=True, text=True, check=True
            ).stdout.strip()
            for command in (["rev-parse", "HEAD"], ["status", "--porcelain", "--", *CODE])
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{revision}-dirty" if changes else revision


@lru_cache
def source_sha256(path: Path, package: Path = PACKAGE) -> str:
    """SHA-256 of a module and of all modules of this package that it imports, in hexadecimal.

    Imports are followed through the package, those inside functions too. The `__init__` of a
    package counts when it is itself imported from. The rules and figures of studies do not count,
    so changing one does not mark any cell as made by other sources. `package` is the folder of the
    package, of which there may be copies.
    """
    digest = hashlib.sha256()
    for source in sorted(_sources(path, package)):
        name = source.relative_to(package).as_posix() if package in source.parents else source.name
        digest.update(f"{name}\n".encode() + source.read_bytes())
    return digest.hexdigest()


def _sources(path: Path, package: Path) -> set[Path]:
    found, waiting = set(), {path.resolve()}
    while waiting:
        source = waiting.pop()
        found.add(source)
        waiting |= _imported(source, package) - found
    return found


def _imported(source: Path, package: Path) -> set[Path]:
    """The files of this package that one of its files imports."""
    place = source.parent.relative_to(package).parts if package in source.parents else ()
    found = set()
    for name in _names(source.read_bytes(), place):
        root, *parts = name.split(".")
        if root == PACKAGE.name and parts:
            module = package.joinpath(*parts)
            candidates = (module.with_suffix(".py"), module / "__init__.py")
            found |= {file for file in candidates if file.is_file()}
    afterwards = [package / folder for folder in AFTERWARDS]
    return {file for file in found if not any(folder in file.parents for folder in afterwards)}


@lru_cache
def _names(code: bytes, place: tuple[str, ...]) -> list[str]:
    """What the code of a module imports, by full names; `place` is its folder in the package."""
    names = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = (PACKAGE.name, *place)[: len(place) + 2 - node.level] if node.level else ()
            base = ".".join([*above, *filter(None, [node.module])])
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return names


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
