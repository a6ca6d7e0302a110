"""A temporal convolutional network: two residual blocks of dilated convolutions, no striding.

python scripts/submit.py scripts/entries/tcn.py --rehearse
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

STEPS, BATCH, LEARNING_RATE, WEIGHT_DECAY = 1500, 100, 3e-3, 0.01
SMOOTHING, SHIFT, WARM_UP = 0.05, 2, 0.05  # SHIFT in points, WARM_UP as a fraction of the steps


class Block(nn.Module):
    """Two dilated convolutions of 96 channels with a residual connection."""

    def __init__(self, dilation):
        super().__init__()
        same = {"padding": "same", "dilation": dilation, "bias": False}
        self.conv1, self.conv2 = nn.Conv1d(96, 96, 3, **same), nn.Conv1d(96, 96, 3, **same)
        self.norm1, self.norm2 = nn.BatchNorm1d(96), nn.BatchNorm1d(96)

    def forward(self, x):
        y = F.gelu(self.norm1(self.conv1(x)))
        return F.gelu(x + self.norm2(self.conv2(y)))


class Network(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.stem = nn.Conv1d(1, 96, 3, padding="same")
        self.blocks = nn.Sequential(Block(1), Block(2))
        self.last = nn.Linear(2 * 96, num_classes)

    def forward(self, x):
        x = self.blocks(self.stem(x.unsqueeze(1)))  # (n, 96, length)
        return self.last(torch.cat([x.mean(2), x.amax(2)], dim=1))


def train(x, y, *, seed, num_classes):
    """Signals x (n, d) float32 and labels y (n,) to a function from signals to labels."""
    torch.manual_seed(seed)
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    model = Network(num_classes)
    optimizer = torch.optim.AdamW(
        model.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True
    )
    step = 0
    while step < STEPS:
        for rows in torch.randperm(len(x)).split(BATCH)[: STEPS - step]:
            optimizer.param_groups[0]["lr"] = LEARNING_RATE * schedule(step)
            logits = model(vary(x[rows]))
            optimizer.zero_grad()
            F.cross_entropy(logits, y[rows], label_smoothing=SMOOTHING).backward()
            optimizer.step()
            step += 1
    model.eval()

    @torch.inference_mode()
    def predict(signals):
        parts = torch.from_numpy(signals).split(1000)
        return torch.cat([model(part).argmax(1) for part in parts]).numpy()

    return predict


def schedule(step):
    """The fraction of the learning rate: up in a line, then down along a cosine."""
    warm_up = math.ceil(WARM_UP * STEPS)
    if step < warm_up:
        return step / warm_up
    return (1 + math.cos(math.pi * (step - warm_up) / (STEPS - warm_up))) / 2


def vary(x):
    """Signals (n, d) rotated by up to SHIFT points, with a random line and noise added."""
    n, d = x.shape
    time = torch.arange(d) - (d - 1) / 2
    x = x.gather(1, (torch.arange(d) - torch.randint(-SHIFT, SHIFT + 1, (n, 1))) % d)
    x = x + 0.04 * torch.randn(n, 1) * time + 0.3 * torch.randn(n, 1)
    return x + 0.05 * torch.randn(n, d)
