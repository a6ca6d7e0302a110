"""MiniRocket: 10,000 features of fixed convolutions and a ridge classifier, all by aeon.

    pip install ".[leaderboard]" "aeon>=1.6"
    python scripts/submit.py scripts/entries/minirocket.py --rehearse

The successor of ROCKET that its authors recommend (Dempster et al. 2021,
https://arxiv.org/abs/2012.08791), with aeon's defaults. It wants an environment of its own, without
constraints.txt, since aeon 1.6 takes no pandas from 3.1 and no numba from 0.64 on.
"""

import numpy as np
from aeon.classification.convolution_based import MiniRocketClassifier

ROWS = 10_000  # signals at a time: each has 9,996 features of four bytes


def train(x, y, *, seed, num_classes):
    """Signals x (n, d) float32 and labels y (n,) to a function from signals to labels."""
    classifier = MiniRocketClassifier(random_state=seed % 2**31)
    classifier.fit(x[:, np.newaxis], y)  # aeon's signals are (channels, points)

    def predict(signals):
        parts = np.array_split(signals[:, np.newaxis], -(-len(signals) // ROWS))
        return np.concatenate([classifier.predict(part) for part in parts])

    return predict
