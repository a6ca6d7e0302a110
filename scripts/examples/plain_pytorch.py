"""Train the paper's CNN in a plain PyTorch loop.

python scripts/examples/plain_pytorch.py     # less than a minute; ends at 93.6 % (extra `train`)
"""

import torch
import typer
from torch.nn.functional import cross_entropy

import mnist1d_hf
from mnist1d_hf.models import Mnist1DCNNConfig, Mnist1DCNNForSequenceClassification


def main(steps: int = 6000, batch_size: int = 100, learning_rate: float = 1e-2) -> float:
    """Train for `steps` batches; returns the accuracy on test."""
    torch.set_num_threads(1)  # a model of this size is slower on several cores than on one
    splits = mnist1d_hf.load_dataset("default")
    x, labels = mnist1d_hf.to_torch(splits["train"])  # (4000, 40) float32, (4000,) int64
    x_test, labels_test = mnist1d_hf.to_torch(splits["test"])

    torch.manual_seed(0)
    model = Mnist1DCNNForSequenceClassification(Mnist1DCNNConfig())
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate, fused=True)
    accuracy = 0.0
    for step in range(1, steps + 1):
        rows = torch.randint(len(x), (batch_size,))
        loss = cross_entropy(model(x[rows]).logits, labels[rows])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if step % 1000 == 0 or step == steps:
            with torch.no_grad():
                accuracy = (model(x_test).logits.argmax(1) == labels_test).float().mean().item()
            print(f"step {step}: loss {loss.item():.3f}, test accuracy {100 * accuracy:.1f} %")
    return accuracy


if __name__ == "__main__":
    typer.run(main)
