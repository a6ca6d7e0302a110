"""The paper's perceptron with its recipe: two hidden layers, the second of them residual.

python scripts/submit.py scripts/entries/mlp.py --rehearse
"""

import torch
from torch import nn
from torch.nn import functional as F

STEPS, BATCH, LEARNING_RATE = 6000, 100, 1e-2


class Network(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.first, self.second = nn.Linear(40, 100), nn.Linear(100, 100)
        self.last = nn.Linear(100, num_classes)

    def forward(self, x):
        x = F.relu(self.first(x))
        return self.last(x + F.relu(self.second(x)))


def train(x, y, *, seed, num_classes):
    """Signals x (n, d) float32 and labels y (n,) to a function from signals to labels."""
    torch.manual_seed(seed)
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    model = Network(num_classes)
    optimizer = torch.optim.Adam(model.parameters(), LEARNING_RATE, fused=True)
    batches = list(zip(x.split(BATCH), y.split(BATCH), strict=True))
    for step in range(STEPS):
        rows, labels = batches[step % len(batches)]
        optimizer.zero_grad()
        F.cross_entropy(model(rows), labels).backward()
        optimizer.step()

    @torch.inference_mode()
    def predict(signals):
        parts = torch.from_numpy(signals).split(1000)
        return torch.cat([model(part).argmax(1) for part in parts]).numpy()

    return predict
