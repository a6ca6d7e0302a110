"""ROCKET: 1,000 random convolutions by pyts, and scikit-learn's ridge classifier.

    pip install ".[peers]"
    python scripts/submit.py scripts/entries/rocket.py --rehearse

The usual first choice for time series (Dempster et al. 2020, https://arxiv.org/abs/1910.13051), as
its authors use it: signals standardised one by one, and the ridge chosen by cross-validation. They
take 10,000 convolutions; a tenth keeps 100,000 test rows far below the limit of ten minutes.
MiniRocket, its quicker successor, has a file of its own.
"""

import numpy as np
from pyts.transformation import ROCKET
from sklearn.linear_model import RidgeClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

KERNELS = 1000
ROWS = 10_000  # signals at a time: each has two features of eight bytes for every kernel


def train(x, y, *, seed, num_classes):
    """Signals x (n, d) float32 and labels y (n,) to a function from signals to labels."""
    rocket = ROCKET(n_kernels=KERNELS, random_state=seed % 2**32)
    classifier = make_pipeline(StandardScaler(), RidgeClassifierCV(alphas=np.logspace(-3, 3, 10)))
    classifier.fit(rocket.fit_transform(standardise(x)), y)

    def predict(signals):
        parts = np.array_split(standardise(signals), -(-len(signals) // ROWS))
        return np.concatenate([classifier.predict(rocket.transform(part)) for part in parts])

    return predict


def standardise(signals):
    """Each signal with mean 0 and standard deviation 1."""
    x = signals.astype(np.float64)
    return (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
