"""CPU time of several sides, measured in turns so that other work on the machine meets them all."""

import importlib
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from mnist1d_hf.entrances import tell
from mnist1d_hf.extras import missing


@cache
def original() -> Any:
    """The module `data` of the original package; None, said once, where it is not installed."""
    try:
        return importlib.import_module("mnist1d.data")
    except ModuleNotFoundError:
        tell("left out", f"comparisons with the original package: {missing('mnist1d', 'dev')}")
        return None


def best_of(rounds: int, number: int = 1, **sides: Callable[[], object]) -> dict[str, float]:
    """Least CPU seconds of a call of each side, over interleaved rounds of `number` calls."""
    best = dict.fromkeys(sides, float("inf"))
    for _ in range(rounds):
        for name, run in sides.items():
            begin = time.process_time()
            for _ in range(number):
                run()
            best[name] = min(best[name], (time.process_time() - begin) / number)
    return best


def row(what: str, value: float, unit: str, against: str = "", target: str = "") -> dict:
    """A line of a table of results."""
    return {"what": what, "value": value, "unit": unit, "against": against, "to reach": target}
