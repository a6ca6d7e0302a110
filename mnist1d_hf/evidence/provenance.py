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
def source_sha256(path: Path) -> str:
    """SHA-256 of a module and of all modules of this package that it imports, in hexadecimal.

    Imports are followed through the package, those inside functions too. The `__init__` of a
    package counts when it is itself imported from. The rules and figures of studies do not count,
    so changing one does not mark any cell as made by other sources.
    """
    digest = hashlib.sha256()
    for source in sorted(_sources(path)):
        name = source.relative_to(PACKAGE).as_posix() if PACKAGE in source.parents else source.name
        digest.update(f"{name}\n".encode() + source.read_bytes())
    return digest.hexdigest()


def _sources(path: Path) -> set[Path]:
    found, waiting = set(), {path.resolve()}
    while waiting:
        source = waiting.pop()
        found.add(source)
        waiting |= _imported(source) - found
    return found


def _imported(source: Path) -> set[Path]:
    """The files of this package that one of its files imports."""
    found = set()
    for node in ast.walk(ast.parse(source.read_bytes())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(source, node)
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            package, *parts = name.split(".")
            place = PACKAGE.joinpath(*parts)
            if package == PACKAGE.name and parts:
                candidates = (place.with_suffix(".py"), place / "__init__.py")
                found |= {file for file in candidates if file.is_file()}
    afterwards = [PACKAGE / folder for folder in AFTERWARDS]
    return {file for file in found if not any(folder in file.parents for folder in afterwards)}


def _absolute(source: Path, node: ast.ImportFrom) -> str:
    """The name of the module that a `from ... import` names, perhaps relatively."""
    if not node.level:
        return node.module or ""
    package = source.parents[node.level - 1].relative_to(PACKAGE.parent).parts
    return ".".join([*package, *filter(None, [node.module])])


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
