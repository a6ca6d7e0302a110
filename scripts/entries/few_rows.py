"""99 % from as few training examples as possible: three networks, long trainings, varied signals.

    python scripts/submit.py scripts/entries/few_rows.py --track rows-99 --rehearse

The network and the optimizers of scripts/speedrun/cnn.py, a little wider and in plain PyTorch. Here
time is of no account, so that it is trained for as many steps whatever the number of examples,
three times, and each of the three sees every test signal at three positions.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

STEPS, BATCH, NETWORKS = 1500, 100, 3
MUON_RATE, MUON_MOMENTUM = 0.2, 0.6  # of the second and third convolution
ADAM_RATE, WEIGHT_DECAY = 0.01, 0.02  # of all other weights
WARM_UP = 0.25  # fraction of the steps until the learning rate is at its highest
SMOOTHING = 0.1
ROTATION, SCALE, NOISE = 2, 0.1, 0.05  # positions; standard deviations
SHIFTS = (-1, 0, 1)  # positions at which a test signal is seen


def train(x, y, *, seed, num_classes):
    """Signals x (n, d) float32 and labels y (n,) to a function from signals to labels."""
    torch.manual_seed(seed)
    x, y = detrend(torch.from_numpy(x)), torch.from_numpy(y)
    networks = [fit(network(num_classes), x, y) for _ in range(NETWORKS)]

    @torch.inference_mode()
    def predict(signals):
        found = []
        for part in detrend(torch.from_numpy(signals)).split(1000):
            views = [part.roll(shift, 1) for shift in SHIFTS]
            found.append(sum(one(view).softmax(1) for one in networks for view in views).argmax(1))
        return torch.cat(found).numpy()

    return predict


def network(num_classes):
    def block(before, channels, width):
        return nn.Conv1d(before, channels, width, padding="same", bias=False)

    def normal(channels):
        return nn.Sequential(nn.BatchNorm1d(channels), nn.ReLU())

    return nn.Sequential(
        nn.Unflatten(1, (1, -1)),
        *(block(1, 64, 9), nn.MaxPool1d(2), normal(64)),
        *(block(64, 96, 3), nn.MaxPool1d(2), normal(96)),
        *(block(96, 128, 3), nn.AdaptiveMaxPool1d(1), normal(128)),
        nn.Flatten(),
        nn.Linear(128, num_classes),
    )


def fit(model, x, y):
    """The model, trained."""
    matrices = [w for w in model.parameters() if w.ndim == 3 and w.shape[1] > 1]
    others = [w for w in model.parameters() if all(w is not one for one in matrices)]
    momenta = [torch.zeros_like(w) for w in matrices]
    adam = torch.optim.AdamW(
        others, ADAM_RATE, betas=(0.9, 0.99), weight_decay=WEIGHT_DECAY, fused=True
    )
    step = 0
    while step < STEPS:
        for rows in torch.randperm(len(x)).split(BATCH)[: STEPS - step]:
            done = step / STEPS
            rate = max(min(done / WARM_UP, (1 - done) / (1 - WARM_UP)), 1e-3)
            model.zero_grad()
            F.cross_entropy(model(vary(x[rows])), y[rows], label_smoothing=SMOOTHING).backward()
            adam.param_groups[0]["lr"] = ADAM_RATE * rate
            adam.step()
            for w, momentum in zip(matrices, momenta, strict=True):
                muon(w, momentum, MUON_RATE * rate)
            step += 1
    return model.eval()


@torch.no_grad()
def muon(weight, momentum, rate):
    """One step of Muon, in place; `weight` (channels, channels before, width) as a matrix."""
    momentum.mul_(MUON_MOMENTUM).add_(weight.grad)
    update = (weight.grad + MUON_MOMENTUM * momentum).flatten(1)
    update = update / (update.norm() + 1e-7)
    for _ in range(3):  # Newton-Schulz iterations, with the coefficients of Muon
        square = update @ update.T
        square = -4.7750 * square + 2.0315 * square @ square
        update = 3.4445 * update + square @ update
    weight.mul_(math.sqrt(len(weight)) / weight.norm()).sub_(update.view_as(weight), alpha=rate)


def detrend(x):
    """Signals (n, d) without their mean and slope, which say nothing about the class."""
    time = torch.linspace(-1, 1, x.shape[1])
    time /= time.norm()
    x = x - x.mean(1, keepdim=True)
    return x - (x @ time)[:, None] * time


def vary(x):
    """Signals (n, d) rotated, rescaled and with noise."""
    n, d = x.shape
    shifts = torch.randint(-ROTATION, ROTATION + 1, (n, 1))
    x = x.gather(1, (torch.arange(d) - shifts) % d)
    return x * (1 + SCALE * torch.randn(n, 1)) + NOISE * torch.randn(n, d)
