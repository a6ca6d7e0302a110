"""94 % on MNIST-1D in about 0.1 CPU seconds: random convolutions and a linear classifier.

    python scripts/submit.py scripts/speedrun/ridge.py --track seconds-94 --rehearse

After ROCKET (Dempster et al. 2020, https://arxiv.org/abs/1910.13051): signals are convolved with
random kernels, never trained, and each convolution gives two features. Ridge regression on one-hot
labels is solved in closed form. Different from ROCKET:

- The features are the maximum and the minimum. Counting the positions above a threshold, as ROCKET
  does, takes longer than the convolution and tells less about digits that are short and alone.
- Kernels of all widths are written into the same 13 points, so that one matrix product convolves
  with all of them.
- The trend of a signal is removed first, since it says nothing about the class.

NumPy alone: at this size, starting an optimizer would cost more than the solution.
"""

import numpy as np

KERNELS = 64
SHAPES = ((5, 1), (7, 1), (9, 1), (7, 2))  # widths and dilations, in turn
SPAN = 13  # of the widest kernel
RIDGE = 10.0
ROWS = 500  # signals at a time, so that their convolutions stay in the cache


def train(x, y, *, seed, num_classes):
    """Signals x (n, d) float32 and labels y (n,) to a function from signals to labels."""
    bank = kernels(np.random.default_rng(seed))
    inputs = features(x, bank)
    mean, std = inputs.mean(0), inputs.std(0) + 1e-6
    inputs = (inputs - mean) / std
    targets = np.eye(num_classes, dtype=np.float32)[y] - 1 / num_classes
    gram = inputs.T @ inputs
    gram[np.diag_indices_from(gram)] += RIDGE
    weights = np.linalg.solve(gram, inputs.T @ targets) / std[:, None]
    return lambda signals: (features(signals, bank) @ weights - mean @ weights).argmax(1)


def kernels(rng):
    """Random kernels (SPAN, KERNELS) without a mean, so that a constant gives zero."""
    bank = np.zeros((SPAN, KERNELS), np.float32)
    for number in range(KERNELS):
        width, dilation = SHAPES[number % len(SHAPES)]
        kernel = rng.standard_normal(width, dtype=np.float32)
        reach = width // 2 * dilation
        bank[SPAN // 2 - reach : SPAN // 2 + reach + 1 : dilation, number] = kernel - kernel.mean()
    return bank


def features(signals, bank):
    """The maxima and minima (n, 2 * KERNELS) of the convolutions of signals (n, d)."""
    parts = np.array_split(signals, -(-len(signals) // ROWS))
    return np.concatenate([np.hstack([z.max(1), z.min(1)]) for z in convolve(parts, bank)])


def convolve(parts, bank):
    """For each array of signals (n, d) their convolutions (n, d, KERNELS), without the trend."""
    for x in parts:
        n, d = x.shape
        t = np.linspace(-1, 1, d, dtype=np.float32)
        t /= np.linalg.norm(t)
        x = x - x.mean(1, keepdims=True)
        x = np.pad(x - (x @ t)[:, None] * t, ((0, 0), (SPAN // 2, SPAN // 2)))
        windows = np.lib.stride_tricks.sliding_window_view(x, SPAN, axis=1)  # (n, d, SPAN)
        yield (np.ascontiguousarray(windows).reshape(-1, SPAN) @ bank).reshape(n, d, -1)
