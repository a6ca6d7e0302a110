"""Contrastive learning without labels, and which layer of the network learns the classes.

    python -m mnist1d_hf.studies.self_supervised --scale paper --workers 2

The paper (figure 7, notebook self-supervised-learning) trains SimCLR: two augmentations of a
signal shall be close, those of different signals apart. A linear classifier on the layer before
the projector then reaches 82 %, against 33 % on the raw signals, and the projector loses some of
it again. We repeat the three projectors over seeds, replace a look at a t-SNE picture by the share
of same-class neighbours, and add a curve the paper does not have: the encoder, saved and loaded as
`Mnist1DCNNForSequenceClassification`, fine-tuned on 1 to 100 labels per class. In a second set of
runs the networks differ in their training and test rows as well.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor
from transformers.utils import logging

from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.evidence.results import summarise
from mnist1d_hf.models import Mnist1DCNNForSequenceClassification
from mnist1d_hf.signals.generate import make_mnist1d
from mnist1d_hf.signals.params import SignalParams
from mnist1d_hf.studies.command import command
from mnist1d_hf.studies.plots.self_supervised import plot
from mnist1d_hf.studies.rules.self_supervised import METHODS, judge
from mnist1d_hf.training.contrastive import PROJECTORS, build, encoder, fit, layers
from mnist1d_hf.training.many import train_many

NEIGHBOURS = 10
OTHER_SEED = 1000  # of the generator in run 0 on other data; run r has OTHER_SEED + r


@dataclass(frozen=True)
class Args:
    """The settings of the notebook, over several seeds, and those of our fine-tuning."""

    seeds: Annotated[tuple[int, ...], "seeds of the weights"] = tuple(range(42, 52))
    data_runs: Annotated[int, "runs with other rows and initial weights; 0 for none"] = 5
    epochs: Annotated[int, "passes over the training signals"] = 200
    batch_size: Annotated[int, "signals per update, two views of each"] = 100
    learning_rate: Annotated[float, "of Adam"] = 0.01
    temperature: Annotated[float, "of the contrastive loss"] = 0.5
    rows: Annotated[int, "training signals"] = 4000
    shots: Annotated[tuple[int, ...], "labels per class in fine-tuning"] = (1, 5, 10, 100)
    tuning_steps: Annotated[int, "updates of fine-tuning"] = 500
    tuning_rate: Annotated[float, "learning rate of fine-tuning"] = 0.003

    @classmethod
    def at(cls, scale: str) -> "Args":
        """The settings of `scale`, "paper", "once" or "smoke"."""
        if scale == "paper":
            return cls()
        if scale == "once":
            return cls(seeds=(42,), data_runs=0)
        return cls(seeds=(42, 43), data_runs=2, epochs=4, rows=400, shots=(1, 10), tuning_steps=20)


class Data:
    """A dataset as float32 tensors and labels, with its first `rows` to train on."""

    def __init__(self, rows: int, seed: int = SignalParams.seed) -> None:
        data = make_mnist1d(SignalParams(seed=seed))
        self.x, self.x_test = (
            torch.tensor(x, dtype=torch.float32) for x in (data.x_train[:rows], data.x_test)
        )
        self.y, self.y_test = torch.tensor(data.y_train[:rows]), torch.tensor(data.y_test)


def pretrain(
    seeds: list[int], projector: str, epochs: int, batch_size: int, learning_rate: float,
    temperature: float, rows: int, shots: list[int], tuning_steps: int, tuning_rate: float,
    data_seeds: list[int] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Train one network per seed without labels, then look at all their layers; a cell.

    Returns, per seed, the loss of each epoch, the accuracy of a linear classifier on every layer
    and of nearest neighbours on the last (`knn`), and the share of same-class neighbours there by
    class (`purity`); with `shots` also the fine-tuning curves and a t-SNE of the first network. All
    networks have the default dataset, or each that of its generator seed in `data_seeds`.
    """
    each = [Data(rows, seed) for seed in data_seeds] if data_seeds else [Data(rows)] * len(seeds)
    x = torch.stack([data.x for data in each])
    models, networks = zip(*(build(projector, seed) for seed in seeds), strict=True)
    losses = fit(networks, x, seeds[0], epochs, batch_size, learning_rate, temperature)
    result: dict[str, Any] = {"loss": losses, "linear": [], "knn": [], "purity": []}
    for network, data in zip(networks, each, strict=True):
        train, test = layers(network, data.x), layers(network, data.x_test)
        found = [
            linear_accuracy(a, data.y, b, data.y_test) for a, b in zip(train, test, strict=True)
        ]
        neighbours = KNeighborsClassifier(NEIGHBOURS, metric="cosine").fit(train[-1], data.y)
        result["linear"].append(found)
        result["knn"].append(100 * neighbours.score(test[-1], data.y_test))
        result["purity"].append(purity(train[-1], data.y.numpy()))
    if shots:
        z = layers(networks[0], each[0].x)[-1]
        points = TSNE(metric="cosine", init="random", random_state=seeds[0]).fit_transform(z)
        result |= {"points": np.round(points.astype(float), 1), "classes": each[0].y}
        tuned = [few_labels(models, each[0], n, seeds, tuning_steps, tuning_rate) for n in shots]
        result["few_labels"] = {method: [one[method] for one in tuned] for method in METHODS}
    return result


def linear_accuracy(x: Any, y: Any, x_test: Any, y_test: Any) -> float:
    """% of the test set that logistic regression on standardised inputs gets right."""
    classifier = make_pipeline(StandardScaler(), LogisticRegression(tol=1e-2, max_iter=1000))
    return 100 * classifier.fit(x, y).score(x_test, y_test)


def purity(z: np.ndarray, y: np.ndarray) -> list[float]:
    """Per class, % of a point's nearest others, by angle, that are of the same class."""
    nearest = NearestNeighbors(n_neighbors=NEIGHBOURS, metric="cosine").fit(z)
    same = y[nearest.kneighbors(return_distance=False)] == y[:, None]
    return [100 * float(same[y == c].mean()) for c in range(10)]


def few_labels(
    models: Sequence[Mnist1DCNNForSequenceClassification], data: Data, shots: int,
    seeds: list[int], steps: int, rate: float,
) -> dict[str, list[float]]:  # fmt: skip
    """% of the test set right, per method and seed, after training on `shots` labels per class.

    The encoders go through a checkpoint, as a user's would.
    """
    logging.disable_progress_bar()  # one for each of the small checkpoints
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    chosen = [choose(data.y, shots, generator) for generator in generators]
    tuned, frozen = [], []
    for model, rows in zip(models, chosen, strict=True):
        with tempfile.TemporaryDirectory() as folder:
            model.save_pretrained(folder)
            tuned.append(Mnist1DCNNForSequenceClassification.from_pretrained(folder))
        h, h_test = (layers(encoder(tuned[-1]), x)[-1] for x in (data.x[rows], data.x_test))
        frozen.append(linear_accuracy(h, data.y[rows], h_test, data.y_test))
    scratch = [build("none", seed + 1000)[0] for seed in seeds]
    both = [*chosen, *chosen]
    batches = (
        torch.stack([r[torch.randperm(len(r), generator=generators[0])[:100]] for r in both])
        for _ in range(steps)
    )
    history = train_many(
        [*tuned, *scratch], data.x, data.y, batches,
        learning_rate=rate, splits={"test": (data.x_test, data.y_test)},
    )  # fmt: skip
    right = (100 * (1 - history.error["test"][-1])).tolist()
    found = right[: len(seeds)], frozen, right[len(seeds) :]
    return dict(zip(METHODS, found, strict=True))


def choose(y: Tensor, shots: int, generator: torch.Generator) -> Tensor:
    """Random rows, `shots` of every class."""
    order = torch.randperm(len(y), generator=generator)
    return torch.cat([order[y[order] == c][:shots] for c in range(10)])


def pixels(data_seed: int = SignalParams.seed) -> dict[str, float]:
    """The same classifiers on the raw signals; a cell."""
    data = Data(4000, data_seed)
    neighbours = KNeighborsClassifier(NEIGHBOURS).fit(data.x, data.y)
    return {
        "nearest neighbours": 100 * neighbours.score(data.x_test, data.y_test),
        "linear": linear_accuracy(data.x, data.y, data.x_test, data.y_test),
    }


def run(args: Args, cells: Cells) -> dict[str, Any]:
    """Three projectors over seeds, the fine-tuning curves of the default one, and the verdicts."""
    left_out = ("seeds", "shots", "data_runs")
    settings = {f.name: getattr(args, f.name) for f in fields(args) if f.name not in left_out}
    todo = [
        {"projector": p, "shots": [], **settings, "seeds": list(args.seeds)} for p in PROJECTORS
    ]
    todo[0]["shots"] = list(args.shots)
    data_seeds = [OTHER_SEED + run for run in range(args.data_runs)]
    if data_seeds:
        own = {"seeds": list(range(args.data_runs)), "data_seeds": data_seeds}
        todo += [{"projector": p, "shots": [], **settings, **own} for p in PROJECTORS]
    found = cells.run(pretrain, todo)
    first, others = found[: len(PROJECTORS)], found[len(PROJECTORS) :]
    pixel, *other_pixels = cells.run(pixels, [{}, *({"data_seed": seed} for seed in data_seeds)])
    curves = first[0]["few_labels"]
    tuned = {method: [summarise(values) for values in curves[method]] for method in METHODS}
    result = {
        "pixels": pixel,
        "variants": by_projector(first, [pixel] * len(args.seeds)),
        "other_data": by_projector(others, other_pixels),
        "few_labels": {"labels_per_class": list(args.shots), **tuned},
        "picture": {key: first[0][key] for key in ("points", "classes")},
    }
    return {**result, "findings": judge(result)}


def by_projector(found: list[dict[str, Any]], raw: list[dict[str, float]]) -> dict[str, Any]:
    """What was found of each projector; `raw` is the accuracy of the signals, one a run."""
    variants = {}
    for projector, one in zip(PROJECTORS, found, strict=False):
        runs = [
            [pixel["linear"], *values] for pixel, values in zip(raw, one["linear"], strict=True)
        ]
        variants[projector] = {
            "linear": _over_seeds(runs),
            "linear_runs": runs,
            "knn": summarise(one["knn"]),
            "purity": _over_seeds(one["purity"]),
            "purity_runs": one["purity"],
            "loss": one["loss"],
        }
    return variants


def _over_seeds(runs: list[list[float]]) -> list[dict[str, Any]]:
    return [summarise(values) for values in zip(*runs, strict=True)]


main = command(
    Args,
    run,
    plot,
    repeated="seeds",
    published_figure=(
        "Left, the t-SNE of 4000 outputs, a digit at the median of its class; right, linear "
        "accuracy over layers 0 to 7, one black line for each of three projectors."
    ),
)

if __name__ == "__main__":
    main()
