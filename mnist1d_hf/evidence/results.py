"""Results: numbers with n and spread, findings with their verdicts, and where all of it came from.

from mnist1d_hf.evidence.results import read_result, summarise, write_result

summarise([93.3, 94.1, 93.8])   # {"mean": 93.73, "std": 0.40, "n": 3}
write_result("results/benchmark.json", {"cnn": ...}, args=args, seconds=12.5)
"""

import dataclasses
import json
import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mnist1d_hf.evidence.provenance import provenance
from mnist1d_hf.files import replacing

# "refuted": what we found contradicts the claim; "not supported": it does not decide
VERDICTS = ("reproduced", "partly", "not supported", "refuted", "retracted", "not testable")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Superseded:
    """The first version of a rule, kept with its verdict when another one replaced it."""

    rule: str
    verdict: str  # on the present runs
    why: str  # what is wrong with the first version
    claim: str | None = None  # as the first version read it, where that was another claim
    then: str | None = None  # its verdict when it was replaced, where that was another


@dataclasses.dataclass(frozen=True)
class Finding:
    """One published claim, what we found, and the rule that judges it.

    A rule is fixed before the run. One that turns out not to test its claim is replaced by
    another, which is dated, and the first version stays readable with its verdict.
    """

    id: str
    claim: str  # the claim, in the words of its source or shorter
    source: str  # paper section, notebook or blog post
    published: Any  # the published number or numbers; None when there are none
    ours: Any
    rule: str  # which comparison, with which tolerance
    verdict: str  # one of VERDICTS
    n: int | None = None
    std: float | None = None
    quantity: str | None = None  # what `estimate` is of, with its unit
    estimate: float | None = None  # of exactly the tested quantity
    interval: tuple[float, float] | None = None  # of the estimate, 95 %
    since: str | None = None  # the day of this version of the rule, None for the first one
    superseded: Superseded | None = None

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise ValueError(f"verdict {self.verdict!r} of finding {self.id}: not in {VERDICTS}")
        for name in ("ours", "interval"):  # a single run has no interval
            object.__setattr__(self, name, known(getattr(self, name)))


def known(value: Any) -> Any:
    """A value with None in place of every interval that has no end, as that of a single run.

    >>> known({"mean": 1.5, "interval": (-math.inf, math.inf)})
    {'mean': 1.5, 'interval': None}
    """
    if isinstance(value, dict):
        return {name: known(part) for name, part in value.items()}
    if isinstance(value, tuple) and any(
        isinstance(end, float) and math.isinf(end) for end in value
    ):
        return None
    return value


def summarise(values: Iterable[float]) -> dict[str, Any]:
    """Mean, sample standard deviation (None for a single value) and number of `values`."""
    numbers = [float(value) for value in values]
    if not numbers:
        raise ValueError("summarise needs at least one value")
    mean = math.fsum(numbers) / len(numbers)
    squares = math.fsum((number - mean) ** 2 for number in numbers)
    std = math.sqrt(squares / (len(numbers) - 1)) if len(numbers) > 1 else None
    return {"mean": mean, "std": std, "n": len(numbers)}


def enumerated(words: Sequence[str]) -> str:
    """Words as one phrase.

    >>> enumerated(["1000", "5000", "50000"])
    '1000, 5000 and 50000'
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def grade(holds: Any, partly: Any = False) -> str:
    """The verdict on a claim that holds, or partly does, or neither."""
    return "reproduced" if holds else "partly" if partly else "refuted"


def write_json(path: str | Path, content: Any) -> Path:
    """Write `content` under a temporary name and rename it, so a file that exists is whole.

    Dataclasses, NumPy arrays and tensors become plain JSON; NaN and infinity are a ValueError.
    """
    try:
        text = json.dumps(content, indent=1, allow_nan=False, default=_plain, ensure_ascii=False)
    except ValueError as error:
        raise ValueError(
            f"{Path(path).name} would have a number that is not finite, as after a training that "
            f"diverged: {error}"
        ) from error
    # one line for each list of numbers: a trace of 300 values is data, not 300 lines to review
    text = re.sub(r"\[\n([^\[\]{}]*)\n *\]", _one_line, text)
    with replacing(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
    return Path(path)


def write_result(
    path: str | Path, result: dict[str, Any], *, args: Any, seconds: float, **more: Any
) -> Path:
    """Write `result` with the arguments that gave it and its `provenance`, which has `more`."""
    return write_json(path, {"args": args, **result, "provenance": provenance(seconds, **more)})


def read_result(path: str | Path) -> dict[str, Any]:
    """Read what `write_result` wrote; ValueError for a file that is damaged."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged, remove or restore it: {error}") from error


def _one_line(numbers: re.Match[str]) -> str:
    return "[" + ", ".join(line.strip() for line in numbers[1].split(",\n")) + "]"


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} does not go into a result: {value!r}")
