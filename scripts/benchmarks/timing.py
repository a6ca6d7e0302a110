"""CPU time of several sides, measured in turns so that other work on the machine meets them all."""

import time
from collections.abc import Callable


def best_of(rounds: int, **sides: Callable[[], object]) -> dict[str, float]:
    """Least CPU seconds of each side over interleaved rounds."""
    best = dict.fromkeys(sides, float("inf"))
    for _ in range(rounds):
        for name, run in sides.items():
            begin = time.process_time()
            run()
            best[name] = min(best[name], time.process_time() - begin)
    return best
