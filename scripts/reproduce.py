"""Reproduce the paper: run every study, draw its figures, and write down what holds.

    python scripts/reproduce.py --report-only    # page and figures: seconds
    python scripts/reproduce.py --scale smoke    # all in minutes, into out/
    python scripts/reproduce.py --only tsne --only pooling --workers 2
    python scripts/reproduce.py --out out/again --workers 2  # anew: hours

The studies are cut into cells, finished cells are kept, and Ctrl-C loses only those that are being
computed: the same command continues. Writes REPRODUCTION.md, results/ and figures/.
"""

import subprocess
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from mnist1d_hf.entrances import program, refusals
from mnist1d_hf.evidence.cost import judge_cost, measure
from mnist1d_hf.evidence.results import read_result, write_json
from mnist1d_hf.files import check_writable, replacing
from mnist1d_hf.pages.reproduction import page
from mnist1d_hf.signals.params import check_choice
from mnist1d_hf.workers import Stopped

with refusals():  # the extra `studies`
    from mnist1d_hf.studies import load_studies
    from mnist1d_hf.studies.command import packed_cells

FACTS = Path(__file__).parents[1] / "dataset_card" / "results" / "dataset.json"
SMOKE = "**A smoke run, seconds a study: too small to judge, so no study has a verdict here.**"


def run(name: str, scale: str, out: Path, workers: int) -> bool:
    """Run one study in a process of its own, which prints its progress; whether it succeeded."""
    command = [sys.executable, "-m", f"mnist1d_hf.studies.{name}", "--scale", scale]
    command += ["--out", str(out), "--workers", str(workers)]
    print(f"\n{name}", flush=True)
    return subprocess.run(command).returncode == 0


def report(out: Path, note: str) -> Path:
    """Draw the figures that are not up to date, and write the page, from the results in `out`."""
    everything = load_studies()
    folder = out / "results"
    found = {path.stem: read_result(path) for path in sorted(folder.glob("*.json"))}
    for name, study in everything.items():
        if name in found and study.outdated(out):
            for path in study.draw(out):
                print(f"drew {path}")
    measured = {name: measure(packed_cells(name, out)) for name in everything if name in found}
    spent = {name: of["minutes"] for name, of in measured.items()}
    repeated = {name: study.repeated for name, study in everything.items() if study.repeated}
    findings = judge_cost({"dataset": read_result(FACTS), **found}, spent, repeated)
    write_json(folder / "cost.json", {"studies": measured, "findings": findings})
    found["cost"] = read_result(folder / "cost.json")
    with replacing(out / "REPRODUCTION.md") as temporary:
        temporary.write_text(page(found, everything, note), encoding="utf-8")
    return out / "REPRODUCTION.md"


def main(
    scale: Annotated[
        Literal["smoke", "paper"], typer.Option(help="seconds a study, or the paper's settings")
    ] = "paper",
    only: Annotated[list[str] | None, typer.Option(help="a study; may be repeated")] = None,
    workers: Annotated[int, typer.Option(help="processes of one thread each")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="folder [paper: dataset_card, smoke: out]")
    ] = None,
    report_only: Annotated[bool, typer.Option("--report-only", help="run nothing")] = False,
) -> None:
    out = out or Path("dataset_card" if scale == "paper" else "out")
    known = list(load_studies())
    for name in only or []:
        check_choice("--only", name, known)
    check_writable(out / "results")
    todo = [] if report_only else [name for name in known if name in (only or known)]
    failed = [name for name in todo if not run(name, scale, out, workers)]
    print(f"\nwrote {report(out, SMOKE if scale == 'smoke' else '')}")
    if failed:
        raise Stopped(f"{', '.join(failed)} failed; the same command continues there")


app = program(main, __doc__)

if __name__ == "__main__":
    app()
