"""What every command and script has in common: refusals, Ctrl-C, paths, help."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from mnist1d_hf.entrances import entrance, program, reflowed, refusals
from mnist1d_hf.workers import Stopped


def caused(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ValueError("no"), 2, "error: no"),
        (ValueError("padding=[1, 2]"), 2, "error: padding=[1, 2]"),
        (ValueError("two\nlines"), 2, "error: two lines"),
        (OverflowError("int"), 2, "error: a number is too large: int"),
        (MemoryError(), 2, "error: not enough memory: MemoryError"),
        (FileNotFoundError(2, "No such file", "run.yaml"), 2, "error: run.yaml: No such file"),
        (OSError("cannot bind"), 2, "error: cannot bind"),
        (caused(RuntimeError("wrapped"), MemoryError("7 TiB")), 2, "not enough memory: 7 TiB"),
        (
            ModuleNotFoundError(name="datatrove.pipeline"),
            2,
            "error: needs datatrove.pipeline: run pip install '.[distributed]' in the checkout",
        ),
        (ModuleNotFoundError("needs torch: run it", name="torch"), 2, "error: needs torch: run it"),
        (Stopped("full"), 1, "stopped: full"),
        (KeyboardInterrupt(), 130, "stopped: nothing is saved"),
        (KeyboardInterrupt("step 3 is saved"), 130, "stopped: step 3 is saved"),
    ],
)
def test_what_a_user_can_mend_is_one_line_and_a_code(error, code, message, capsys):
    with pytest.raises(SystemExit) as end, refusals():
        raise error
    assert end.value.code == code
    shown = capsys.readouterr()
    assert message in shown.err and shown.err.count("\n") == 1 and shown.out == ""


@pytest.mark.parametrize(
    "error",
    [
        ModuleNotFoundError(name="mnist1d_hf.nothing"),
        KeyError("x"),
        AssertionError(),
        BrokenPipeError(32, "Broken pipe"),
    ],
)
def test_a_fault_of_the_program_keeps_its_traceback(error):
    with pytest.raises(type(error)), refusals():
        raise error


def test_paths_are_expanded_and_the_help_is_reflowed(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))

    @entrance()
    def command(out: Path, name: str) -> tuple[Path, str]:
        """Write
        something.
        """
        return out, name

    assert command(out=Path("~/x"), name="~/x") == (tmp_path / "x", "~/x")
    assert command.__doc__ == "Write something."


def test_paragraphs_are_lines_and_examples_stay():
    doc = """Train
    them.

        python x.py   # all

        python y.py \\
            --z

    And
    more.
    """
    assert reflowed(doc).splitlines() == [
        *("Train them.", "", "Examples", "", "    python x.py   # all", ""),
        *("    python y.py \\", "        --z", "", "And more."),
    ]


def test_a_script_is_a_program_with_the_help_of_its_module(monkeypatch):
    def main(number: int = 1) -> None:
        if number < 1:
            raise ValueError(f"number={number}: at least 1")
        raise KeyboardInterrupt

    app = program(main, "Count [up].\n\n    python count.py --number 3   # to three\n\nMore.")
    monkeypatch.setenv("COLUMNS", "80")
    shown = CliRunner().invoke(app, ["--help"]).output
    assert "Count [up]." in shown and "    python count.py --number 3   # to three" in shown
    done = CliRunner().invoke(app, ["--number", "0"])
    assert (done.exit_code, done.output) == (2, "error: number=0: at least 1\n")
    done = CliRunner().invoke(app, [])
    assert (done.exit_code, done.output) == (130, "stopped: the same command continues\n")
