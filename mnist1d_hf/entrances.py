"""Common behaviour of all commands and scripts: errors, exit codes, interrupts and help texts.

typer and click report errors in options only; every other exception would show a traceback.

app = typer.Typer()

@app.command()
@entrance(stopped="the same command continues")
def shards(out: Path) -> None:
    ...

program(main, __doc__)()        # a script with one command
"""

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape

from mnist1d_hf.extras import advice
from mnist1d_hf.workers import Stopped

console = Console()
errors = Console(stderr=True)
CONTINUES = "the same command continues"
NO_HOME = "Could not determine home directory."  # pathlib, of ~name where nobody has that name


@contextmanager
def refusals(stopped: str = "nothing is saved") -> Iterator[None]:
    """Convert errors that the user can fix to one line on stderr and an exit code.

    Code 2: bad input, a file or folder that cannot be read or written, a number that is too large,
    or a missing extra. Code 1: work that ended early (`Stopped`). Code 130: Ctrl-C, where the
    interrupt's own message, or `stopped`, says what is saved. All other exceptions are bugs of the
    program and keep their traceback.
    """
    try:
        yield
    except KeyboardInterrupt as interrupt:
        tell("stopped", str(interrupt) or stopped)
        raise SystemExit(130) from interrupt
    except Stopped as error:
        tell("stopped", error)
        raise SystemExit(1) from error
    except Exception as error:
        reason = explain(error)
        if reason is None:
            raise
        tell("error", reason)
        raise SystemExit(2) from error


def explain(error: BaseException | None) -> str | None:
    """The message of an error, or of its cause, if a user can fix it; None otherwise."""
    while error is not None:
        text = str(error) or type(error).__name__
        match error:
            case BrokenPipeError():  # the reader of the output has ended
                return None
            case PackageNotFoundError():
                return f"needs {error.name}, which is not installed"
            case ModuleNotFoundError():
                return text if text.startswith("needs ") else advice(error)
            case ImportError(name=None):  # raised by a library with its own message
                return text
            case MemoryError():
                return f"not enough memory: {text}"
            case RuntimeError() if "can't allocate memory" in text:  # torch's
                return f"not enough memory: {text.partition('allocator: ')[2] or text}"
            case OverflowError():
                return f"a number is too large: {text}"
            case OSError(strerror=str() as reason, filename=str() | Path() as path):
                return f"{path}: {reason}"
            case RuntimeError() if text == NO_HOME:
                return "a path begins with ~ and a name, and there is no such user"
            case ValueError() | OSError():
                return text
        error = error.__cause__
    return None


def tell(how: str, why: object) -> None:
    """Print one line on stderr."""
    line = " ".join(str(why).split())
    errors.print(f"[bold red]{how}:[/] {escape(line)}", highlight=False, soft_wrap=True)


def entrance(stopped: str = "nothing is saved") -> Callable[[Callable[..., Any]], Any]:
    """Decorator for commands: handles errors by `refusals`, expands `~`, and reflows the help."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def run(*args: Any, **options: Any) -> Any:
            with refusals(stopped):
                return command(*args, **{name: expanded(v) for name, v in options.items()})

        run.__doc__ = reflowed(command.__doc__ or "")
        return run

    return decorate


def expanded(value: Any) -> Any:
    """A path with `~` replaced by the home folder; other values unchanged."""
    try:
        return value.expanduser() if isinstance(value, Path) else value
    except RuntimeError as error:
        raise ValueError(f"{value}: there is no such user") from error


def reflowed(doc: str) -> str:
    """A docstring with each paragraph joined to one line, so that it fits any terminal width.

    Indented lines are kept.
    """
    paragraphs = inspect.cleandoc(doc).split("\n\n")
    if any(p.startswith(" ") for p in paragraphs[1:2]):  # typer would strip its indentation
        paragraphs.insert(1, "Examples")
    return "\n\n".join(p if p.startswith(" ") else re.sub(r"\s*\n\s*", " ", p) for p in paragraphs)


def program(main: Callable[..., None], doc: str | None, stopped: str = CONTINUES) -> typer.Typer:
    """A typer program from the `main` function and the docstring of a script."""
    app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)
    app.command(help=escape(reflowed(doc or "")))(entrance(stopped)(main))
    return app
