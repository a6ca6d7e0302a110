"""Enter a model in the leaderboard: its code is run here as the referee runs it.

    python scripts/submit.py my_model.py --track default --rehearse
    python scripts/submit.py my_model.py --track seconds-94 --name mine \\
      --author Ada --link https://example.org
    python scripts/submit.py --checkpoint you/your-model@v1 \\
      --track default-elsewhere --name yours \\
      --author Ada --link https://example.org

    python scripts/submit.py --verify \\
      dataset_card/leaderboard/default/mine.json
    python scripts/submit.py --redraw \\
      dataset_card/leaderboard/default/mine.json

A rehearsal runs two trials and writes nothing. --verify runs a recorded entry again on its own data
and says whether the record holds; --redraw runs it on new data, and replaces the record. The file
has one function, in any framework that is installed, for x of shape (rows, 40) in float32 and y of
shape (rows,) in int64:

    def train(x, y, *, seed, num_classes):
        ...
        return predict  # predict(x) -> (rows,) integers

A data seed is drawn now. Each trial trains on new examples and is tested on new ones, in a sandbox
without network, in one process on one thread, for at most 30 minutes and 4 GiB. The entry that
leads the track is run on the same data; a difference of less than three standard errors is a tie. A
run that was stopped goes on with the same command. The record has everything that is needed to run
the entry again: open a pull request with it and its .npz file.

A model that was trained elsewhere is a repository on the Hub with safetensors, which loads with
AutoModelForSequenceClassification and maps x of shape (rows, 40) to logits. Such models have tracks
of their own, since nobody knows what they were trained on.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from mnist1d_hf.entrances import program, refusals
from mnist1d_hf.evidence.results import read_result
from mnist1d_hf.files import check_writable
from mnist1d_hf.signals.params import check_choice

with refusals():  # the extra `leaderboard`
    from mnist1d_hf.leaderboard.draws import draw_seed
    from mnist1d_hf.leaderboard.entries import Entry, read_entry, recorded
    from mnist1d_hf.leaderboard.records import (
        add_leader,
        check_about,
        check_again,
        make_record,
        read_record,
        read_records,
        slug,
        stored_predictions,
        write_record,
    )
    from mnist1d_hf.leaderboard.referee import Score, run_entry
    from mnist1d_hf.leaderboard.tracks import NEW_RANK_Z, ROW_COUNTS, TRACKS, EntryError, Track
    from mnist1d_hf.leaderboard.trials import Trial, unfinished_run

CONSOLE = Console(stderr=True)
REHEARSALS = 2
CARD = Path(__file__).parents[1] / "dataset_card"
BOARD, OPTIMUM = CARD / "leaderboard", CARD / "results" / "optimum.json"


def main(
    file: Annotated[Path | None, typer.Argument(help="the entry: a Python file")] = None,
    track: Annotated[
        str, typer.Option(help=f"one of {', '.join(TRACKS)}; without it, default")
    ] = "",
    name: Annotated[str, typer.Option(help="what the entry is called, up to 40 characters")] = "",
    author: Annotated[str, typer.Option(help="who made it, up to 40 characters")] = "",
    link: Annotated[str, typer.Option(help="https address of a description or the code")] = "",
    remark: Annotated[str, typer.Option(help="a footnote, up to 200 characters")] = "",
    checkpoint: Annotated[
        str, typer.Option(help="in place of the file: a model on the Hub, OWNER/NAME@REVISION")
    ] = "",
    rows: Annotated[
        int | None, typer.Option(help="training examples that are tried first, in rows-99 [4000]")
    ] = None,
    folder: Annotated[Path, typer.Option(help="where entries are kept")] = BOARD,
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="run two trials, write nothing")
    ] = False,
    verify: Annotated[
        Path | None, typer.Option(help="run a recorded entry again on its own data and compare")
    ] = None,
    redraw: Annotated[
        Path | None, typer.Option(help="run a recorded entry on new data, and replace its record")
    ] = None,
) -> None:
    given = [file, checkpoint, verify, redraw]
    if sum(map(bool, given)) != 1:
        raise ValueError("give one of the entry's file, --checkpoint, --verify or --redraw")
    about = {"name": name, "author": author, "link": link, "remark": remark}
    if verify or redraw:
        more = about | {"track": track, "rows": rows is not None, "rehearse": rehearse}
        more["folder"] = folder != BOARD
        if extra := [f"--{option}" for option, value in more.items() if value]:
            raise ValueError(f"{', '.join(extra)}: --verify and --redraw take it from the record")
    if verify:
        with nothing_kept():
            check_record(verify)
        return
    if redraw:
        record = read_record(redraw)
        again = replace(TRACKS[record["track"]], rows=record["rows"])
        enter(recorded(record), again, check_about(record), redraw)
        return
    chosen = with_guess(known(track or "default", bool(checkpoint)), rows)
    if rehearse:
        with nothing_kept():
            rehearse_entry(read_entry("rehearsal", file, checkpoint), chosen)
        return
    path = free_path(folder, chosen, check_about(about))
    entry = read_entry(name, file, checkpoint)
    check_new(entry, folder, chosen)
    enter(entry, chosen, about, path)


@contextmanager
def nothing_kept() -> Iterator[None]:
    """A block of which nothing is kept when it is stopped."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt("nothing is kept of a rehearsal or a verification") from None


def known(track: str, elsewhere: bool) -> Track:
    """The track of that name; ValueError when it takes files and this is none, or vice versa."""
    check_choice("track", track, TRACKS)
    if TRACKS[track].elsewhere is not elsewhere:
        fit = ", ".join(name for name, one in TRACKS.items() if one.elsewhere is elsewhere)
        what = "a checkpoint" if elsewhere else "a file"
        raise ValueError(f"--track {track}: {what} can enter one of {fit}")
    return TRACKS[track]


def with_guess(track: Track, rows: int | None) -> Track:
    """The track, where the search for the fewest training examples begins with `rows` of them."""
    if rows is None:
        return track
    if track.score != "rows":
        raise ValueError(f"--rows {rows}: the track {track.name} has {track.rows:,}, always")
    if rows not in ROW_COUNTS:
        raise ValueError(f"--rows {rows}: must be one of {', '.join(map(str, ROW_COUNTS))}")
    return replace(track, rows=rows)


def free_path(folder: Path, track: Track, about: dict[str, str]) -> Path:
    """Where the record will be; ValueError when there is one already."""
    path = folder / track.name / f"{slug(about['name'])}.json"
    if path.exists():
        raise ValueError(
            f"{path} exists: choose another --name, or --redraw it, or remove that entry first"
        )
    return path


def check_new(entry: Entry, folder: Path, track: Track) -> None:
    """ValueError when the same code, or checkpoint, is in the track already."""
    for record in read_records(folder)[track.name]:
        if record["sha256"] == entry.sha256:
            raise ValueError(f"{record['name']} in the track {track.name} is the same: change it")


def enter(entry: Entry, track: Track, about: dict[str, str], path: Path) -> None:
    """Run an entry beside the one that leads its track, and write its record."""
    path = path.resolve()
    check_writable(path.parent)
    mine = entry.sha256
    others = read_records(path.parents[1])[track.name]
    leader = next((record for record in others if record["sha256"] != mine), None)
    begin = time.perf_counter()
    with unfinished_run(f"{track.name}-{path.stem}-{mine[:16]}") as (data_seed, kept):
        if trials := len(list(kept.rglob("*.npz"))):
            CONSOLE.print(f"going on with a run that was stopped after {trials} trials")
        score = run(entry, track, data_seed, kept=kept)
        record = make_record(track, score, entry.code, data_seed, about, entry.checkpoint)
        if leader:
            record = add_leader(record, leader, run_leader(leader, score, data_seed, kept))
        write_record(path, record, score, seconds=time.perf_counter() - begin)
    show(track, score)
    if leader:
        difference, z = record["against"]["difference"]["mean"], record["against"]["z"]
        what = "CPU seconds" if track.score == "seconds" else "points"
        how = "better" if difference > 0 else "worse"
        print(
            f"on the same data {abs(difference):.3f} {what} {how} than {leader['name']}, "
            f"z = {z:.1f}{' (a tie)' if abs(z) <= NEW_RANK_Z else ''}"
        )
    print(f"wrote {path} and {path.stem}.npz: open a pull request with both files")


def run_leader(leader: dict[str, Any], score: Score, data_seed: str, kept: Path) -> Score:
    """The trials of the leading entry on the data of a new one, whatever target it misses there."""
    track = replace(TRACKS[leader["track"]], target=None)
    try:
        return run(recorded(leader), track, data_seed, rows=score.rows, kept=kept)
    except EntryError as error:
        raise ValueError(
            f"{leader['name']}, which leads the track and has to be run on the same data, fails "
            f"here: {error}\nthe trials of the new entry are kept: install what is missing "
            f"({', '.join(leader['packages'])}) and give the same command"
        ) from error


def rehearse_entry(entry: Entry, track: Track) -> None:
    """Run a few trials, and say whether they miss the target of the track."""
    small = replace(track, trials=REHEARSALS, target=None, score="accuracy")
    score = run(entry, small, draw_seed())
    show(track, score)
    if track.target is not None and score.summary()["accuracy"]["mean"] <= track.target:
        print(f"{track.target:g} % was not reached with {score.rows:,} training examples")


def check_record(path: Path) -> None:
    """Run a recorded entry again on its own data; ValueError when the record does not hold."""
    record = read_record(path)
    before = list(stored_predictions(path, record))  # ValueError before anything is run
    track = replace(TRACKS[record["track"]], target=None)
    score = run(recorded(record), track, record["data_seed"], rows=record["rows"])
    for what, value in check_again(path, record, before, score).items():
        print(f"{what}: {value:.3f}")
    print("the record holds")


def run(
    entry: Entry,
    track: Track,
    data_seed: str,
    *,
    rows: int | None = None,
    kept: Path | None = None,
) -> Score:
    """All trials, with a bar that counts them, or a line for each where there is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    shown = CONSOLE.is_terminal
    with (
        Progress(*columns, TimeElapsedColumn(), console=CONSOLE, disable=not shown) as progress,
        notes(),
    ):
        task = progress.add_task(entry.name, total=track.trials)

        def done(count: int, trial: Trial) -> None:
            if progress.tasks[task].finished:  # the next number of training examples
                progress.reset(task)
            what = f"{entry.name}, {count:,} rows: {trial.accuracy:.2f} %, {trial.seconds:.1f} s"
            progress.update(task, description=what)
            progress.advance(task)
            if not shown:
                print(what, file=sys.stderr)

        return run_entry(
            entry.code,
            track,
            data_seed,
            rows=rows,
            checkpoint=entry.home,
            kept=kept / entry.sha256[:16] if kept else None,
            done=done,
        )


@contextmanager
def notes() -> Iterator[None]:
    """A block that prints the notes of an error, such as what an entry had written."""
    try:
        yield
    except EntryError as error:
        for note in getattr(error, "__notes__", ()):
            CONSOLE.print(note, markup=False, highlight=False, soft_wrap=True)
        raise


def show(track: Track, score: Score) -> None:
    found: dict[str, Any] = score.summary()
    accuracy, seconds = found["accuracy"], found["seconds"]
    rows = f", {score.rows:,} training examples" if track.score == "rows" else ""
    print(
        f"{track.title}: {accuracy['mean']:.3f} % (SD {accuracy['std']:.3f}, {accuracy['n']} "
        f"trials), {seconds['mean']:.2f} CPU s" + rows
    )
    ceiling = read_result(OPTIMUM)["configs"][track.config]["expected"]
    print(f"{ceiling - accuracy['mean']:.3f} points below the best possible classifier")


app = program(main, __doc__, stopped="the same command goes on after the last finished trial")

if __name__ == "__main__":
    app()
