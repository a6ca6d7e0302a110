"""Predictions of one network for a whole split, computed in parts that fit the cache."""

from typing import Any

import torch


@torch.no_grad()
def predict(network: Any, x: torch.Tensor) -> torch.Tensor:
    """Predicted classes (n,) int64 of signals (n, d); leaves the network in training mode."""
    network.eval()
    classes = torch.cat([network.logits(part).argmax(1) for part in x.split(500)])
    network.train()
    return classes


def accuracy(network: Any, x: torch.Tensor, labels: torch.Tensor) -> float:
    """Accuracy in percent on signals (n, d) and labels (n,), rounded to three decimals."""
    return round(100 * (predict(network, x) == labels).float().mean().item(), 3)
