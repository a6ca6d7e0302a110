"""Predictions of one network for a whole split, in parts that fit the processor's cache."""

from typing import Any

import torch


@torch.no_grad()
def predict(network: Any, x: torch.Tensor) -> torch.Tensor:
    """Classes (n,) int64 of signals (n, d); the network is in training mode afterwards."""
    network.eval()
    classes = torch.cat([network.logits(part).argmax(1) for part in x.split(500)])
    network.train()
    return classes


def accuracy(network: Any, x: torch.Tensor, labels: torch.Tensor) -> float:
    """Percent of the rows that are classified rightly, to three decimals."""
    return round(100 * (predict(network, x) == labels).float().mean().item(), 3)
