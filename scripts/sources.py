"""Say which commits have the sources that made the committed cells.

    python scripts/sources.py
    python scripts/sources.py --study mnist --study tsne

A cell keeps the SHA-256 of the sources that made it. Here it is compared with those of the commits
of this history, the newest first. Prints, for each study, the cells that the sources of a commit
made, and how many have sources of no commit or do not say which.
"""

import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from mnist1d_hf.entrances import console, program, refusals
from mnist1d_hf.evidence.packed import read_packed
from mnist1d_hf.evidence.provenance import source_sha256
from mnist1d_hf.signals.params import check_choice

with refusals():  # the extra `studies`
    from mnist1d_hf.studies import study_names

ROOT = Path(__file__).parents[1]
UNKNOWN, NOWHERE = "do not say", "no commit"
# where the functions of cells are
MODULES = ("studies/*.py", "training/protocols.py")


def git(*command: str) -> bytes:
    """What git prints of this checkout; ValueError outside of one."""
    done = subprocess.run(["git", *command], cwd=ROOT, capture_output=True)
    if done.returncode:
        raise ValueError(f"git {command[0]}: {done.stderr.decode().strip()}")
    return done.stdout


def commits() -> dict[str, str]:
    """The newest commit with each tree that the package had, the newest first."""
    found = git("log", "--format=%H", "--", "mnist1d_hf").decode().split()
    trees = git("rev-parse", *(f"{commit}:mnist1d_hf" for commit in found)).decode().split()
    newest: dict[str, str] = {}
    for commit, tree in zip(found, trees, strict=True):
        newest.setdefault(tree, commit)
    return newest


def digests(tree: str) -> Iterator[str]:
    """Those of every module with cells, in one state of the package."""
    with tempfile.TemporaryDirectory(prefix="mnist1d-sources-") as folder:
        package = Path(folder).resolve() / "mnist1d_hf"
        with tarfile.open(fileobj=BytesIO(git("archive", "--format=tar", tree))) as archive:
            archive.extractall(package, filter="data")
        for pattern in MODULES:
            for module in sorted(package.glob(pattern)):
                yield source_sha256(module, package)


def find(wanted: set[str]) -> dict[str, str]:
    """The newest commit with each of these digests, where there is one."""
    found: dict[str, str] = {}
    newest, silent = commits(), not sys.stderr.isatty()
    for tree in track(newest, "commits", console=console, disable=silent):
        if wanted <= found.keys():
            break
        for digest in digests(tree):
            found.setdefault(digest, newest[tree])
    return found


def main(
    study: Annotated[list[str] | None, typer.Option(help="may be repeated [all]")] = None,
    cells: Annotated[Path, typer.Option(help="folder of the cells")] = ROOT
    / "dataset_card"
    / "cells",
) -> None:
    for one in study or []:
        check_choice("--study", one, study_names())
    made = {
        one: Counter(
            record["provenance"].get("source_sha256", UNKNOWN)
            for record in read_packed(cells / f"{one}.jsonl").values()
        )
        for one in study or study_names()
    }
    found = find({digest for counts in made.values() for digest in counts} - {UNKNOWN})
    for one, counts in made.items():
        places: Counter[str] = Counter()
        for digest, number in counts.items():
            place = UNKNOWN if digest == UNKNOWN else found.get(digest, NOWHERE)[:10]
            places[place] += number
        shown = ", ".join(f"{number} {place}" for place, number in places.most_common())
        print(f"{one}: {shown}")


app = program(main, __doc__)

if __name__ == "__main__":
    app()
