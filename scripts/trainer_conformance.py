"""Run transformers' own tests of its Trainer with Mnist1DTrainer in place of it.

    cd ~/src; git clone https://github.com/huggingface/transformers
    python scripts/trainer_conformance.py --suite ~/src/transformers  # long

It takes minutes. The tests run twice, in two temporary copies: as they are, and with each import
of Trainer replaced by Mnist1DTrainer. Whatever passes with Trainer has to pass with Mnist1DTrainer.
The checkout may be of another version than the installed library. In place of a name that this one
does not have, the tests import a decorator without effect; where they need more of it, they fail
both times. Connections to other machines are refused.

The command fails when a test passes with Trainer alone, or when fewer than `--at-least` pass with
both. Besides the `dev` extra the tests need two packages:

    pip install parameterized sentencepiece
"""

import ast
import importlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

GUARD = Path(__file__).parents[1] / "tests" / "guard"
# those that neither train on several devices nor need a TPU
FILES = (
    "test_trainer.py",
    "test_trainer_accelerator.py",
    "test_trainer_callback.py",
    "test_trainer_checkpointing.py",
    "test_trainer_data.py",
    "test_trainer_evaluation.py",
    "test_trainer_hyperparameter.py",
    "test_trainer_jit_checkpoint.py",
    "test_trainer_optimizers.py",
    "test_trainer_seq2seq.py",
    "test_trainer_utils.py",
)
SUBSTITUTE = "from mnist1d_hf.training.trainer import Mnist1DTrainer as Trainer"
ABSENT = """
def absent(*arguments, **options):
    decorates = len(arguments) == 1 and callable(arguments[0]) and not options
    return arguments[0] if decorates else lambda test: test
"""


def prepare(source: Path, folder: Path, substituted: bool) -> int:
    """A copy of the checkout's tests in `folder`; how many imports of Trainer are replaced."""
    shutil.copytree(source / "tests", folder / "tests", symlinks=True)
    (folder / "pytest.ini").write_text(
        "[pytest]\nfilterwarnings =\n    ignore::pytest.PytestUnknownMarkWarning\n"
    )
    (folder / "absent.py").write_text(ABSENT)
    replaced = 0
    for path in (folder / "tests" / "trainer").glob("*.py"):
        text, times = with_imports_replaced(path.read_text(encoding="utf-8"), substituted)
        path.write_text(text, encoding="utf-8")
        replaced += times
    return replaced


def with_imports_replaced(text: str, substituted: bool) -> tuple[str, int]:
    """The source of a test with imports that succeed, and how many of Trainer were replaced."""
    lines = text.splitlines()
    replaced = 0
    imports = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    for node in sorted(imports, key=lambda node: -node.lineno):
        if node.level or not node.module or node.module.split(".")[0] != "transformers":
            continue
        module = importlib.import_module(node.module)
        indent = " " * node.col_offset
        absent = [alias for alias in node.names if not hasattr(module, alias.name)]
        node.names = [alias for alias in node.names if alias not in absent]
        new = [indent + ast.unparse(node)] if node.names else []
        new += [f"{indent}from absent import absent as {alias.name}" for alias in absent]
        if substituted and any(alias.name == "Trainer" for alias in node.names):
            new.append(indent + SUBSTITUTE)
            replaced += 1
        lines[node.lineno - 1 : node.end_lineno] = new
    return "\n".join(lines) + "\n", replaced


def run_tests(folder: Path, processes: int) -> dict[str, dict[str, str]]:
    """Outcome of every test: {"passed": {name: ""}, "failed": {name: why}, "skipped": ...}."""
    from conformance import outcomes

    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING"))}
    environment |= {
        "HF_HOME": str(folder / "home"),
        "HF_HUB_OFFLINE": "1",
        "MNIST1D_NETWORK_LOG": str(folder / "refused_connections.txt"),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(
            [str(GUARD), str(folder), *filter(None, [os.getenv("PYTHONPATH")])]
        ),
    }
    tests = [f"tests/trainer/{name}" for name in FILES]
    tests = [name for name in tests if (folder / name).exists()]
    command = [sys.executable, "-m", "pytest", *tests, "-q", "--tb=short", "--timeout=300"]
    command += ["-c", "pytest.ini", "--rootdir", ".", "-p", "no:cacheprovider"]
    command += ["-n", str(processes), "--junitxml=report.xml"]
    done = subprocess.run(command, cwd=folder, env=environment)
    if done.returncode > 1:  # 1: some tests failed
        raise SystemExit("error: pytest could not run the tests; the reason stands above")
    return outcomes(folder / "report.xml")


def compare(source: Path, processes: int) -> dict[str, Any]:
    """Both runs: the numbers of outcomes, and the tests whose outcome differs."""
    from conformance import version

    from mnist1d_hf.evidence.results import provenance

    start = time.perf_counter()
    runs = {}
    for name, substituted in (("Trainer", False), ("Mnist1DTrainer", True)):
        with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
            replaced = prepare(source, Path(folder), substituted)
            runs[name] = run_tests(Path(folder), processes)
    theirs, ours = runs["Trainer"], runs["Mnist1DTrainer"]
    return {
        **version(source),
        "installed": importlib.metadata.version("transformers"),
        "imports replaced": replaced,
        **{name: {kind: len(found[kind]) for kind in found} for name, found in runs.items()},
        "pass with both": len(theirs["passed"].keys() & ours["passed"].keys()),
        "pass with Trainer alone": {
            test: ours["failed"].get(test, "not run")
            for test in sorted(theirs["passed"].keys() - ours["passed"].keys())
        },
        "pass with Mnist1DTrainer alone": sorted(ours["passed"].keys() - theirs["passed"].keys()),
        "provenance": provenance(time.perf_counter() - start),
    }


def main(
    suite: Annotated[Path, typer.Option(help="a checkout of transformers")],
    processes: Annotated[int, typer.Option(help="processes that share the tests")] = 2,
    at_least: Annotated[int, typer.Option(help="tests that must pass with both")] = 0,
    out: Annotated[Path | None, typer.Option(help="JSON file that takes the outcome")] = None,
) -> None:
    if not (suite / "tests" / "trainer" / FILES[0]).exists():
        raise SystemExit(f"error: --suite {suite}: it has no tests/trainer/{FILES[0]}")
    lacking = [name for name in ("parameterized", "sentencepiece") if find_spec(name) is None]
    if lacking:
        raise SystemExit(f"error: the tests need {' and '.join(lacking)}: see --help")
    found = compare(suite, processes)
    for name in ("Trainer", "Mnist1DTrainer"):
        print(f"{name}: " + ", ".join(f"{n} {kind}" for kind, n in found[name].items()))
    for test, why in found["pass with Trainer alone"].items():
        print(f"  passes with Trainer alone: {test}\n    {why}")
    if out:
        from mnist1d_hf.evidence.results import write_json

        write_json(out, found)
    if found["pass with Trainer alone"]:
        raise SystemExit(f"error: {len(found['pass with Trainer alone'])} tests differ")
    if found["pass with both"] < at_least:
        raise SystemExit(f"error: {found['pass with both']} tests pass, --at-least {at_least}")


if __name__ == "__main__":
    from mnist1d_hf.entrances import program

    program(main, __doc__, "nothing is saved")()
