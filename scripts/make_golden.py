"""Write the expected first rows of the counter stream.

    python scripts/make_golden.py  # a second

Run it only after a deliberate change of the stream, which also needs a new version of the dataset:
rows that others have generated, cited or published would no longer be the same.
"""

import hashlib
import json
from pathlib import Path

from mnist1d_hf.entrances import program
from mnist1d_hf.files import replacing
from mnist1d_hf.signals.counter import BLOCK, TEST_START
from mnist1d_hf.signals.generate import make_range
from mnist1d_hf.signals.params import CONFIGS, config_params

GOLDEN = Path(__file__).parents[1] / "tests" / "golden" / "counter.json"


def first_block(config_name: str, start: int) -> dict[str, object]:
    """SHA-256 of the little-endian bytes of a block's x and labels, and x of its first row."""
    x, y = make_range(config_params(config_name, stream="counter"), start, start + BLOCK)
    return {
        "x": hashlib.sha256(x.astype("<f4").tobytes()).hexdigest(),
        "y": hashlib.sha256(y.astype("<i8").tobytes()).hexdigest(),
        "x_first_row": [round(float(value), 6) for value in x[0]],
    }


def main() -> None:
    starts = {"train": 0, "test": TEST_START}
    blocks = {
        name: {split: first_block(name, start) for split, start in starts.items()}
        for name in CONFIGS
    }
    with replacing(GOLDEN) as temporary:
        temporary.write_text(json.dumps(blocks, indent=1) + "\n")
    print(f"wrote {GOLDEN}")


app = program(main, __doc__)

if __name__ == "__main__":
    app()
