"""Lottery tickets: our search against the notebook's code, trained on the same masks.

A training of the search costs less the sparser the network is, for us; so both sides are timed at
several sparsities, and the search of one trial is the mean over them, by the trapezoid rule.
"""

import copy
import time

import numpy as np
import torch
from torch import nn

from mnist1d_hf.studies.lottery_tickets import load
from mnist1d_hf.training.pruning import PrunedMLP, initial_layers, prune, random_scores, train

SPARSITIES = (0.0, 0.25, 0.5, 0.75, 0.9, 0.98)


def measure(rounds: int, steps: int) -> list[dict]:
    """CPU seconds of a training of 1502 updates, a row for each sparsity and one for all."""
    torch.set_num_threads(1)
    data = load(42, np.arange(40))
    layers, scores = initial_layers(42), next(random_scores(42))
    rows = []
    for sparsity in SPARSITIES:
        masks = [prune(score, sparsity) for score in scores]
        best = {"ours": float("inf"), "notebook": float("inf")}
        for _ in range(rounds):
            begin = time.process_time()
            train(PrunedMLP(layers, masks), *data, steps=steps)
            best["ours"] = min(best["ours"], time.process_time() - begin)
            begin = time.process_time()
            notebook(layers, masks, *data, steps=steps)
            best["notebook"] = min(best["notebook"], time.process_time() - begin)
        rows.append(row(f"{sparsity:.2f}", *(t * 1502 / (steps + 1) for t in best.values())))
    columns = [[r[key] for r in rows] for key in ("ours, CPU s", "notebook, CPU s")]
    rows.append(row("mean of the search", *(float(np.trapezoid(c, SPARSITIES)) for c in columns)))
    return rows


def row(sparsity: str, ours: float, theirs: float) -> dict:
    return {
        "sparsity": sparsity,
        "ours, CPU s": ours,
        "notebook, CPU s": theirs,
        "ours, of the notebook": ours / theirs,
    }


class SparseLinear(nn.Module):
    """The notebook's layer: parameters are masked anew before each use."""

    def __init__(self, n_in: int, n_out: int, layer: torch.Tensor, mask: torch.Tensor):
        super().__init__()
        self.linear, self.mask = nn.Linear(n_in, n_out), mask
        self.write(layer)

    def forward(self, x):
        self.write(self.mask * torch.cat([p.flatten() for p in self.parameters()]))
        return self.linear(x)

    def write(self, vector) -> None:
        start = 0
        for p in self.parameters():
            p.data = vector[start : start + p.numel()].reshape(p.shape).data
            start += p.numel()


class SparseMLP(nn.Module):
    def __init__(self, layers, masks):
        super().__init__()
        widths = (40, 500), (500, 500), (500, 10)
        self.parts = nn.ModuleList(
            SparseLinear(*width, layer.clone(), mask)
            for width, layer, mask in zip(widths, layers, masks, strict=True)
        )

    def forward(self, x):
        h = torch.relu(self.parts[0](x))
        h = h + torch.relu(self.parts[1](h))
        return self.parts[2](h)


def accuracy(model, x, labels) -> float:
    predicted = model(x).argmax(-1).cpu().numpy()
    return 100 * sum(predicted == labels.numpy().astype(np.float32)) / len(labels)


def notebook(layers, masks, x, labels, x_test, y_test, steps: int) -> None:
    """The original's train_model (notebooks/train.py) on its sparse perceptron."""
    model, criterion = SparseMLP(layers, masks), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), 2e-2)
    results: dict[str, list] = {"train": [], "test": [], "accuracies": [], "checkpoints": []}
    for step in range(steps + 1):
        start = step * 100 % len(x)
        loss = criterion(model(x[start : start + 100]), labels[start : start + 100])
        results["train"].append(loss.item())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if step % 100 == 0:
            results["test"].append(criterion(model(x_test), y_test).item())
            results["accuracies"].append(accuracy(model, x, labels))
            results["accuracies"].append(accuracy(model, x_test, y_test))
        if step % 1000 == 0:
            results["checkpoints"].append(copy.deepcopy(model))
