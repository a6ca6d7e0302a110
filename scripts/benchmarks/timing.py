"""CPU time of several sides, measured in turns so that other work on the machine meets them all."""

import time
from collections.abc import Callable


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
