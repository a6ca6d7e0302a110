"""The leaderboard's page: a small table for each track, remarks as footnotes."""

from collections.abc import Mapping, Sequence
from typing import Any

from mnist1d_hf.leaderboard.tracks import NEW_RANK_Z, ROW_COUNTS, TRACKS, Limits, Track
from mnist1d_hf.pages.tables import markdown, spread

HEAD = """\
# Leaderboard

An entry is code, not predictions. It is one file with a function
`train(x, y, *, seed, num_classes)`, which returns another function, `predict`. When the file is
handed in, `scripts/submit.py` draws a random seed for the data. It trains the entry on new examples
made from this seed and tests it on others, in a sandbox without network. Whoever enters does this
on a machine of their own. Before the record is accepted, a maintainer runs the entry once more on a
seed drawn then, and this second record stands here, so that no draw of the data can be chosen.
Checkpoints on the Hub, which come trained, have tracks of their own.

{tie}

To enter, in a checkout of the repository: install bubblewrap (`apt-get install bubblewrap`), change
a copy of a short entry, rehearse, enter, and open a pull request with the two files of the record.
The folder `scripts/entries` has a file for each kind of model, in scikit-learn, PyTorch and
NumPy.

```bash
pip install ".[leaderboard]"
cp scripts/entries/svm.py my_model.py                               # change this copy
python scripts/submit.py my_model.py --track default --rehearse     # two trials, nothing written
python scripts/submit.py my_model.py --track default --name "my model" --author "my name" \\
    --link https://example.org
python scripts/submit.py --checkpoint you/your-model@v1 --track default-elsewhere \\
    --name "my model" --author "my name" --link https://example.org
python scripts/submit.py --verify dataset_card/leaderboard/default/my-model.json    # on its data
python scripts/submit.py --redraw dataset_card/leaderboard/default/my-model.json    # on new data
```

The file may contain only code: no data, no weights, and no numbers that were fitted to MNIST-1D or
copied from its generator. It may use any library that is installed. Importing it may load and
compile, and nothing else, and `predict` may learn nothing from the test rows: a maintainer reads
the code for this. A trial is one process, which cannot start others, with one thread for the usual
libraries and {memory:g} GiB of memory. It has {importing:g} minutes to import the file,
{training:g} to train and {predicting:g} to predict. CPU seconds are counted from the moment when
the entry gets the training examples until its last prediction, over all threads. They depend
on the machine of each run and on what else it was doing: only the tracks of CPU seconds rank by
them."""
TIE = (
    "Entries are sorted by their means. A new entry and the one that leads its track are run on "
    "the same data, on one machine, and compared trial by trial: a difference of less than {z:g} "
    "standard errors is a tie, in which both share a rank, and a larger one decides which of the "
    "two stands above the other, whatever their means say. All other entries are compared by their "
    "means. The standard error is then that of the better entry, so that a worse one does not "
    "become a tie because its trials vary much."
)


def leaderboard_page(
    records: Mapping[str, Sequence[Mapping[str, Any]]],
    ceilings: Mapping[str, float],
    frozen: str,
) -> str:
    """The whole page, from the entries of each track in order, the optimum's accuracy in percent
    of each config, and the section on the frozen test rows."""
    limits = Limits()
    head = HEAD.format(
        tie=TIE.format(z=NEW_RANK_Z),
        memory=limits.memory / 2**30,
        importing=limits.import_seconds / 60,
        training=limits.train_seconds / 60,
        predicting=limits.predict_seconds / 60,
    )
    parts = [head]
    for name, track in TRACKS.items():
        parts += [f"## {track.title}", track_text(track, records.get(name, ()), ceilings)]
    return "\n\n".join([*parts, frozen]) + "\n"


def track_text(
    track: Track, records: Sequence[Mapping[str, Any]], ceilings: Mapping[str, float]
) -> str:
    """What is measured, the table of the entries, and their remarks."""
    about = f"An entry is run in {track.trials} trials with {track.test_rows:,} test rows each."
    if track.target is not None:
        target = f"{track.target:g} % by {NEW_RANK_Z:g} standard errors"
        about += f" Its mean accuracy has to exceed {target}."
    if track.score == "rows":
        counts = f"{ROW_COUNTS[0]:,} to {ROW_COUNTS[-1]:,} training examples"
        about += f" Numbers from {counts} are tried, two for each doubling."
    if track.score == "seconds" and records:
        about += f" The seconds are those of {processors(records)}."
    if track.elsewhere:
        about += " What a checkpoint was trained on is not known; no training is part of a trial."
    ceiling = ceilings.get(track.config)
    if track.score == "accuracy" and ceiling is not None:
        about += f" The best possible classifier gets {ceiling:.2f} %."
    if not records:
        return f"{about}\n\nThere is no entry yet."
    return "\n\n".join([about, track_table(track, records, ceiling), *footnotes(track, records)])


def processors(records: Sequence[Mapping[str, Any]]) -> str:
    """The processors that the records were made on."""
    found = {record["provenance"]["machine"]["processor"] for record in records}
    return " and ".join(sorted(found))


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
                f"{seconds['mean']:.2f}",
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
