"""A small Transformer behind two convolutions, with rotary positions.

python scripts/submit.py scripts/entries/transformer.py --rehearse
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

WIDTH, LAYERS, HEADS = 64, 4, 4
STEPS, BATCH, LEARNING_RATE, WEIGHT_DECAY = 3000, 100, 3e-3, 0.01
SMOOTHING, SHIFT, WARM_UP = 0.05, 6, 0.05  # SHIFT in points, WARM_UP as a fraction of the steps


class Layer(nn.Module):
    """Self-attention and a perceptron, each normalised before and added to its input."""

    def __init__(self):
        super().__init__()
        self.attention_norm, self.norm = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.query_key_value = nn.Linear(WIDTH, 3 * WIDTH)
        self.output = nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)

    def forward(self, x):
        n, length, _ = x.shape
        parts = self.query_key_value(self.attention_norm(x)).view(n, length, 3, HEADS, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # each (n, heads, length, size)
        found = F.scaled_dot_product_attention(rotate(query), rotate(key), value)
        x = x + self.output(found.transpose(1, 2).reshape(n, length, WIDTH))
        return x + self.down(F.gelu(self.up(self.norm(x))))


def rotate(x):
    """Rotary embedding of x (..., length, size): attention depends on distances only."""
    length, size = x.shape[-2:]
    # base 100 instead of the usual 10,000, since signals are short
    angles = torch.arange(length)[:, None] * 100 ** (-torch.arange(0, size, 2) / size)
    cos, sin = angles.cos(), angles.sin()
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


class Network(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.conv1 = nn.Conv1d(1, WIDTH, 5, padding="same")
        self.conv2 = nn.Conv1d(WIDTH, WIDTH, 3, stride=2, padding=1)
        self.layers = nn.Sequential(*(Layer() for _ in range(LAYERS)))
        self.norm = nn.LayerNorm(WIDTH)
        self.last = nn.Linear(2 * WIDTH, num_classes)

    def forward(self, x):
        x = self.conv2(F.gelu(self.conv1(x.unsqueeze(1)))).transpose(1, 2)
        x = self.norm(self.layers(x))  # (n, length / 2, WIDTH)
        return self.last(torch.cat([x.mean(1), x.amax(1)], dim=1))


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
