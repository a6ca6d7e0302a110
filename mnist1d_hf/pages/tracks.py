"""The leaderboard's page: a small table for each track, remarks as footnotes."""

from collections.abc import Mapping, Sequence
from typing import Any

from mnist1d_hf.leaderboard.tracks import NEW_RANK_Z, TRACKS, Track
from mnist1d_hf.pages.tables import markdown, number, spread

HEAD = """\
# Leaderboard

An entry is code, not predictions. It is one file with a function
`train(x, y, *, seed, num_classes)`, which returns another function, `predict`. When the file is
handed in, `scripts/submit.py` draws a random seed for the data. It trains the entry on new examples
made from this seed and tests it on others. Nobody can have seen either of them before. The code
runs in a sandbox without network. Checkpoints on the Hub, which come trained, have tracks of their
own. {tie}

To enter, in a checkout of the repository: install bubblewrap (`apt-get install bubblewrap`), change
a copy of the shortest entry, rehearse, enter, and open a pull request with the two files of the
record. The folder `scripts/entries` has a file for each kind of model, in scikit-learn, PyTorch and
NumPy.

```bash
pip install ".[leaderboard]"
cp scripts/entries/svm.py my_model.py                               # ten lines; change them
python scripts/submit.py my_model.py --track default --rehearse     # two trials, nothing written
python scripts/submit.py my_model.py --track default --name "my model" --author "my name" \\
    --link https://example.org
python scripts/submit.py --checkpoint you/your-model@v1 --track default-elsewhere \\
    --name "my model" --author "my name" --link https://example.org
python scripts/submit.py --verify dataset_card/leaderboard/default/my-model.json
```

The file may contain only code: no data, no weights, and no numbers that were fitted to MNIST-1D or
copied from its generator. It may use any library that is installed. Each trial has one thread,
30 minutes and 4 GiB of memory. CPU seconds are counted from the moment when the entry gets the
training examples until its last prediction."""
TIE = (
    "Two entries share a rank when their scores differ by less than {z:g} standard errors. A new "
    "entry and the one that leads its track are run on the same data, so that these two are "
    "compared trial by trial. All other entries are compared by their means."
)


def leaderboard_page(
    records: Mapping[str, Sequence[Mapping[str, Any]]],
    ceilings: Mapping[str, float],
    frozen: str,
) -> str:
    """The whole page, from the entries of each track in order, the optimum's accuracy in percent
    of each config, and the section on the frozen test rows."""
    parts = [HEAD.format(tie=TIE.format(z=NEW_RANK_Z))]
    for name, track in TRACKS.items():
        parts += [f"## {track.title}", track_text(track, records.get(name, ()), ceilings)]
    return "\n\n".join([*parts, frozen]) + "\n"


def track_text(
    track: Track, records: Sequence[Mapping[str, Any]], ceilings: Mapping[str, float]
) -> str:
    """What is measured, the table of the entries, and their remarks."""
    about = f"An entry is run in {track.trials} trials with {track.test_rows:,} test rows each."
    if track.elsewhere:
        about += " What a checkpoint was trained on is not known; no training is part of a trial."
    ceiling = ceilings.get(track.config)
    if track.score == "accuracy" and ceiling is not None:
        about += f" The best possible classifier gets {ceiling:.2f} %."
    if not records:
        return f"{about}\n\nThere is no entry yet."
    return "\n\n".join([about, track_table(track, records, ceiling), *footnotes(track, records)])


def track_table(
    track: Track,
    records: Sequence[Mapping[str, Any]],
    ceiling: float | None = None,
    most: int | None = None,
) -> str:
    """The table of the entries, the best first; of the `most` best without footnotes, if given."""
    scores = {"accuracy": [], "rows": ["rows"], "seconds": []}[track.score]
    above = track.score == "accuracy" and ceiling is not None
    header = [
        "",
        "entry",
        *scores,
        "accuracy, %",
        *["points below the optimum"] * above,
        "CPU seconds",
    ]
    rows = []
    for record in records[:most]:
        noted = record["remark"] and most is None
        note = f"[^{track.name}-{record['rank']}-{records.index(record)}]" if noted else ""
        accuracy, seconds = record["accuracy"], record["seconds"]
        rows.append(
            [
                str(record["rank"]),
                f"[{record['name']}]({record['link']}), {record['author']}{note}",
                *[f"{record['rows']:,}"] * len(scores),
                spread(accuracy["mean"], accuracy["std"]),
                *([f"{ceiling - accuracy['mean']:.2f}"] if above and ceiling is not None else []),
                number(round(seconds["mean"], 2)),
            ]
        )
    return markdown(header, rows)


def footnotes(track: Track, records: Sequence[Mapping[str, Any]]) -> list[str]:
    """The remarks of the entries that have one."""
    return [
        f"[^{track.name}-{record['rank']}-{place}]: {record['remark']}"
        for place, record in enumerate(records)
        if record["remark"]
    ]
