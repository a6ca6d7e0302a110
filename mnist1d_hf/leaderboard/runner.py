"""The program inside the sandbox: `python -I runner.py CHANNEL MEMORY`; NumPy and Python alone.

It imports `entry.py` beside it, writes 0 to the file descriptor CHANNEL, and then does what the
referee writes to its standard input, one JSON object a line: task 1 is to train, task 2 to predict.
It writes the number of a task that is done to CHANNEL, and after the 2 one byte for each label.
Training examples arrive with task 1, test rows with task 2.
"""

import importlib.util
import json
import os
import resource
import sys
from pathlib import Path

GIVEN = Path(__file__).parent
LONGEST_FILE = 2**28  # bytes


def main() -> None:
    channel, memory = int(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LONGEST_FILE, LONGEST_FILE))
    spec = importlib.util.spec_from_file_location("entry", GIVEN / "entry.py")
    assert spec and spec.loader
    entry = importlib.util.module_from_spec(spec)
    sys.modules["entry"] = entry
    spec.loader.exec_module(entry)
    if not callable(getattr(entry, "train", None)):
        raise SystemExit("the file has no function train(x, y, *, seed, num_classes)")
    import numpy as np

    predict = None
    os.write(channel, b"0")
    for line in sys.stdin:
        task = json.loads(line)
        if task["number"] == 1:
            x, y = np.load(GIVEN / "x.npy"), np.load(GIVEN / "y.npy")
            predict = entry.train(x, y, seed=task["seed"], num_classes=task["num_classes"])
            if not callable(predict):
                raise SystemExit(f"train returned {type(predict).__name__}, not a function")
            os.write(channel, b"1")
        else:
            assert predict, "task 1 comes first"
            found = np.asarray(predict(np.load(GIVEN / "x_test.npy")))
            if found.shape != (task["count"],) or found.dtype.kind not in "iu":
                raise SystemExit(
                    f"predict returned shape {found.shape} of {found.dtype}: it must return one "
                    f"integer for each of {task['count']} rows"
                )
            if found.min() < 0 or found.max() >= task["num_classes"]:
                raise SystemExit(
                    f"predict returned labels from {found.min()} to {found.max()}: they must be "
                    f"0 to {task['num_classes'] - 1}"
                )
            with os.fdopen(channel, "wb") as file:
                file.write(b"2" + found.astype("uint8").tobytes())


main()
