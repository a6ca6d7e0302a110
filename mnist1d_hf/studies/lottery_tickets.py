"""Lottery tickets: which weights a perceptron needs, and whether their places hold a prior.

    python -m mnist1d_hf.studies.lottery_tickets --scale paper --workers 2

The paper (section "Finding lottery tickets", notebook lottery-tickets) trains a perceptron, prunes
its smallest weights, sets the rest back to their first values and trains again, at 100 sparsities.
At 92 % the "ticket" beats the dense network, on new and on flipped data too, but not when the
columns are shuffled, and even with other first values. We follow the seeded procedure of 2020 (the
notebook of 2024 forgot to seed torch: there "same weights" were other weights), over more trials,
add permutations of real chunks, and count adjacent weights with all windows and without the error
of the original, against two exact expectations. In a second set of trials the rows differ as well,
those that tickets are found on and those they are transferred to.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor

from mnist1d_hf.evidence.adjacency import adjacency, permuted
from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.signals.generate import make_mnist1d
from mnist1d_hf.signals.params import SignalParams
from mnist1d_hf.studies.command import command
from mnist1d_hf.studies.plots.lottery_tickets import (
    plot,
    plot_adjacency,
    plot_chunks,
    plot_masks,
    plot_new_data,
    plot_transfer,
)
from mnist1d_hf.studies.rules.lottery_tickets import NETWORKS, PRUNINGS, judge
from mnist1d_hf.training.pruning import (
    PrunedMLP,
    decode,
    encode,
    initial_layers,
    prune,
    random_scores,
    train,
)

SEED = 42  # of trial 0; trial t has SEED + t
FRESH_SEED = 43  # of the data to which tickets are transferred
# on other data, generator seeds of trial 0, to find tickets and to transfer them; trial t adds t
OTHER_SEED, OTHER_FRESH_SEED = 1000, 2000
LENGTH = 40
DRAWS = 2000  # permutations


def chunks(size: int) -> np.ndarray:
    """An order (40,) of the columns that moves whole chunks, no two of which stay neighbours.

    The original's "chunks" were a rotation by 20, which keeps all neighbours but one.
    """
    for seed in count():
        order = np.random.default_rng(seed).permutation(LENGTH // size)
        if not (np.diff(order) == 1).any():
            return np.arange(LENGTH).reshape(-1, size)[order].ravel()
    raise AssertionError("unreachable")


COLUMNS: dict[str, Callable[[], np.ndarray]] = {
    "fresh": lambda: np.arange(LENGTH),
    "flipped": lambda: np.arange(LENGTH)[::-1],
    "shuffled": lambda: np.random.RandomState(0).permutation(LENGTH),  # noqa: NPY002
    "rotated_20": lambda: np.roll(np.arange(LENGTH), 20),
    "new_weights": lambda: np.arange(LENGTH),
    "chunks_10": partial(chunks, 10),
    "chunks_5": partial(chunks, 5),
    "chunks_2": partial(chunks, 2),
}


OF_THE_PAPER = ("fresh", "flipped", "shuffled", "rotated_20", "new_weights")


@dataclass(frozen=True)
class Args:
    """The settings of the notebook, over more trials."""

    trials: Annotated[int, "networks, each with its seed"] = 10
    data_trials: Annotated[int, "trials with other rows and initial weights; 0 for none"] = 5
    retrains: Annotated[int, "sparsities from 0 to 1"] = 100
    ticket: Annotated[int, "which of them is transferred; 91 is 92 % sparse"] = 91
    steps: Annotated[int, "last update of a training in the search"] = 1501
    checkpoint: Annotated[int, "update whose weights decide what is pruned next"] = 1000
    transfer_steps: Annotated[int, "last update of a training on other data"] = 6000
    variants: Annotated[tuple[str, ...], "data and weights to transfer to"] = tuple(COLUMNS)

    @classmethod
    def at(cls, scale: str) -> "Args":
        """The settings of `scale`, "paper", "once" or "smoke"."""
        if scale == "paper":
            return cls()
        if scale == "once":
            return cls(trials=1, data_trials=0, variants=OF_THE_PAPER)
        return cls(
            trials=1,
            data_trials=1,
            retrains=8,
            ticket=6,
            steps=40,
            checkpoint=30,
            transfer_steps=20,
            variants=("fresh", "shuffled", "new_weights"),
        )


def load(seed: int, columns: np.ndarray) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Training and test signals with permuted columns, and their labels, after each other."""
    data = make_mnist1d(SignalParams(seed=seed))
    x, x_test = (
        torch.tensor(np.ascontiguousarray(x[:, columns]), dtype=torch.float32)
        for x in (data.x_train, data.x_test)
    )
    return x, torch.tensor(data.y_train), x_test, torch.tensor(data.y_test)


def search(
    trial: int,
    pruning: str,
    retrains: int,
    ticket: int,
    steps: int,
    checkpoint: int,
    data_seed: int = SignalParams.seed,
) -> dict[str, Any]:
    """Prune and train again at every sparsity, from the same first weights; a cell.

    The masks of "random" are drawn anew each time; those of "lottery" keep the largest weights of
    the training before, at update `checkpoint`. Returns a list per metric, one value per sparsity,
    the masks at number `ticket` and the counts of adjacent weights there.
    """
    seed = SEED + trial
    data = load(data_seed, np.arange(LENGTH))
    first, drawn = initial_layers(seed), random_scores(seed)
    found: dict[str, Any] = {}
    weights = first
    for number, sparsity in enumerate(np.linspace(0, 1, retrains)):
        scores = next(drawn) if pruning == "random" else [layer.abs() for layer in weights]
        masks = [prune(score, sparsity) for score in scores]
        network = PrunedMLP(first, masks)
        history = train(network, *data, steps=steps, checkpoint_at=checkpoint)
        weights = history.checkpoint
        accuracy = history.test_accuracy
        metrics = {
            "train_loss": history.train_loss,
            "test_loss": history.test_loss[-1],
            "last": accuracy[-1],
            "max": max(accuracy),
            "mean": sum(accuracy) / len(accuracy),
        }
        for name, value in metrics.items():
            found.setdefault(name, []).append(round(value, 5))
        if number == ticket:
            found["ticket"] = encode(masks)
            found["adjacency"] = adjacency(first_layer(masks))
            found["first_layer"] = [int("".join(map(str, row)), 2) for row in first_layer(masks)]
    return found


def units_of(found: dict[str, Any]) -> np.ndarray:
    """The mask of the first layer (units, 40) that a search found, from its numbers."""
    return np.array([[int(bit) for bit in f"{row:0{LENGTH}b}"] for row in found["first_layer"]])


def first_layer(masks: list[Tensor]) -> np.ndarray:
    """Which weights of every hidden unit are left: (units, 40) of 0 and 1."""
    units = len(masks[0]) // (LENGTH + 1)
    return masks[0][: units * LENGTH].view(units, LENGTH).numpy().astype(int)


def transfer(
    trial: int,
    variant: str,
    ticket: str,
    number: int,
    retrains: int,
    steps: int,
    data_seed: int = FRESH_SEED,
) -> dict[str, list[float]]:
    """Train the dense network and both tickets on other data or from other weights; a cell.

    Returns the test accuracy of each network every 100 updates.
    """
    seed = SEED + trial
    data = load(data_seed, COLUMNS[variant]())
    first = initial_layers(seed + (variant == "new_weights"))
    drawn = random_scores(seed)
    scores = [next(drawn) for _ in range(number + 1)][-1]
    sparsity = np.linspace(0, 1, retrains)[number]
    masks = {
        "dense": [torch.ones_like(layer) for layer in first],
        "lottery": decode(ticket, [len(layer) for layer in first]),
        "random": [prune(score, sparsity) for score in scores],
    }
    return {
        name: [
            round(value, 2)
            for value in train(
                PrunedMLP(first, masks[name]), *data, steps=steps, batch_size=500
            ).test_accuracy
        ]
        for name in NETWORKS
    }


def run(args: Args, cells: Cells) -> dict[str, Any]:
    """Search, transfer and the verdicts, over the trials.

    Raises ValueError for a ticket that is no sparsity, and for variants that are not known or lack
    the fresh data all others are compared with.
    """
    if not 0 <= args.ticket < args.retrains:
        raise ValueError(f"ticket={args.ticket}: from 0 to retrains - 1 = {args.retrains - 1}")
    if not {"fresh"} <= set(args.variants) <= COLUMNS.keys():
        raise ValueError(
            f"variants={args.variants}: must be 'fresh' and any of {', '.join(COLUMNS)}"
        )
    result, masks = run_trials(args, cells, args.trials, args.variants)
    variants = [name for name in args.variants if name in OF_THE_PAPER]
    others, _ = run_trials(args, cells, args.data_trials, variants, other_data=True)
    result |= {"masks": masks, "other_data": others}
    return {**result, "findings": judge(result)}


def run_trials(
    args: Args, cells: Cells, number: int, variants: Sequence[str], other_data: bool = False
) -> tuple[dict[str, Any], dict[str, list[int]]]:
    """Search and transfer in `number` trials, and the first one's masks; both empty for none.

    With `other_data` each trial has rows of its own.
    """
    if not number:
        return {}, {}

    def rows(start: int, trial: int) -> dict[str, int]:
        return {"data_seed": start + trial} if other_data else {}

    settings = {name: getattr(args, name) for name in ("retrains", "ticket", "steps", "checkpoint")}
    found = cells.run(
        search,
        [
            {"trial": trial, "pruning": pruning, **settings, **rows(OTHER_SEED, trial)}
            for trial in range(number)
            for pruning in PRUNINGS
        ],
    )
    searched = {pruning: found[i :: len(PRUNINGS)] for i, pruning in enumerate(PRUNINGS)}
    moves = {"number": args.ticket, "retrains": args.retrains, "steps": args.transfer_steps}
    moved = cells.run(
        transfer,
        [
            {"trial": trial, "variant": variant, "ticket": one["ticket"], **moves}
            | rows(OTHER_FRESH_SEED, trial)
            for trial, one in enumerate(searched["lottery"])
            for variant in variants
        ],
    )
    result = {
        "sparsity": np.linspace(0, 1, args.retrains).round(4),
        "search": {
            pruning: {
                name: [one[name] for one in searched[pruning]]
                for name in ("train_loss", "test_loss", "last", "max", "mean", "adjacency")
            }
            for pruning in PRUNINGS
        },
        "permuted": permuted(np.array([units_of(one) for one in searched["lottery"]]), DRAWS),
        "transfer": {
            variant: {name: [one[name] for one in moved[i :: len(variants)]] for name in NETWORKS}
            for i, variant in enumerate(variants)
        },
    }
    return result, {pruning: searched[pruning][0]["first_layer"] for pruning in PRUNINGS}


main = command(
    Args,
    run,
    plot,
    more_plots={
        **{"new_data": plot_new_data, "transfer": plot_transfer, "chunks": plot_chunks},
        **{"adjacency": plot_adjacency, "masks": plot_masks},
    },
    repeated="trials",
    published_figure=(
        "Test loss (logarithmic), final and best accuracy over sparsity: random red, lottery "
        "blue, dense black and dashed, with bands; asymptotes over 6000 steps; p(two, three, "
        "four adjacent weights) as bars; masks as black and white pictures."
    ),
)

if __name__ == "__main__":
    main()
