"""Reproduce the paper: run every study, draw its figures, and write down what holds.

    python scripts/reproduce.py --report-only    # page and figures: seconds
    python scripts/reproduce.py --scale smoke    # all in minutes, into out/
    python scripts/reproduce.py --only tsne --only pooling --workers 2
    python scripts/reproduce.py --scale once --workers 2  # half an hour
    python scripts/reproduce.py --out out/again --workers 2  # anew: hours

The studies are cut into cells, finished cells are kept, and Ctrl-C loses only those that are being
computed: the same command continues. Writes REPRODUCTION.md, results/ and figures/.

`--scale once` (`make paper`) makes one repetition of everything in the paper, without our own two
models, beside the committed results, and ends with the minutes that each study took here and those
that the paper prints under its figures. results/once.json has them; in dataset_card/results/ it
decides the claim about time, and from it the next run estimates its own.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from mnist1d_hf.entrances import program, refusals
from mnist1d_hf.evidence.cost import PRINTED, judge_cost, measure
from mnist1d_hf.evidence.provenance import provenance
from mnist1d_hf.evidence.results import read_result, write_json
from mnist1d_hf.files import check_writable, replacing
from mnist1d_hf.pages.reproduction import page
from mnist1d_hf.pages.tables import markdown, text
from mnist1d_hf.signals.params import check_choice
from mnist1d_hf.workers import Stopped

with refusals():  # the extra `studies`
    from mnist1d_hf.studies import load_studies
    from mnist1d_hf.studies.command import FOLDERS, OF_THE_PAPER, is_card, packed_cells

FACTS = Path(__file__).parents[1] / "dataset_card" / "results" / "dataset.json"
ONCE = FACTS.with_name("once.json")  # of a run that was recorded
SMOKE = "**A smoke run, seconds a study: too small to judge, so no study has a verdict here.**"

SINGLE = (
    "**One repetition of everything in the paper: most verdicts rest on intervals over several "
    "runs, which this page does not have.**"
)


def run(name: str, scale: str, out: Path, workers: int) -> bool:
    """Run one study in a process of its own, which prints its progress; whether it succeeded."""
    command = [sys.executable, "-m", f"mnist1d_hf.studies.{name}", "--scale", scale]
    command += ["--out", str(out), "--workers", str(workers)]
    print(f"\n{name}", flush=True)
    return subprocess.run(command).returncode == 0


def run_all(names: Sequence[str], scale: str, out: Path, workers: int) -> list[str]:
    """Run the studies, saying how far it is; the names of those that failed."""
    cost = minutes_recorded() if scale == "once" else {}
    start, failed = time.monotonic(), []
    if whole := sum(cost.get(name, 0) for name in names):
        print(f"{len(names)} studies, about {whole / workers:.0f} minutes on the recorded machine")
    for number, name in enumerate(names, start=1):
        if not run(name, scale, out, workers):
            failed.append(name)
        spent = (time.monotonic() - start) / 60
        line = f"{number} of {len(names)} studies, {spent:.0f} minutes"
        if done := sum(cost.get(one, 0) for one in names[:number]):
            line += f", about {spent * (whole - done) / done:.0f} left"
        print(line, flush=True)
    return failed


def minutes_recorded() -> dict[str, float]:
    """Minutes of one thread that each study took in the recorded run; empty without one."""
    if not ONCE.exists():
        return {}
    return {name: of["minutes"] for name, of in read_result(ONCE)["studies"].items()}


def write_once(names: Sequence[str], out: Path, workers: int) -> str:
    """Write what one repetition cost, by its cells, and return it as a table."""
    found = {name: measure(packed_cells(name, out))["minutes"] for name in names}
    studies = {name: {"minutes": found[name], "printed": PRINTED.get(name)} for name in names}
    write_json(
        out / "results" / "once.json",
        {
            "studies": studies,
            "workers": workers,
            "provenance": provenance(60 * sum(found.values())),
        },
    )
    rows = [[name, text(of["minutes"]), text(of["printed"])] for name, of in studies.items()]
    printed = sum(PRINTED.get(name, 0) for name in names)
    rows.append(["all", text(round(sum(found.values()), 1)), text(printed)])
    header = ["study", "minutes of one thread", "printed in the paper"]
    return markdown(header, rows)


def report(out: Path, note: str) -> Path:
    """Draw the figures that are not up to date, and write the page, from the results in `out`.

    A result that has too little for its figures is named, and the page has none of them.
    """
    everything = load_studies()
    folder = out / "results"
    found = {path.stem: read_result(path) for path in sorted(folder.glob("[!.]*.json"))}
    for name, study in everything.items():
        if name in found:
            try:
                for path in study.draw(out) if study.outdated(out) else []:
                    print(f"drew {path}")
            except ValueError as error:
                print(f"left out: {error}")
    packs = {name: packed_cells(name, out) for name in everything if name in found}
    measured = {name: measure(pack) for name, pack in packs.items() if pack.exists()}
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
        Literal["smoke", "once", "paper"],
        typer.Option(help="seconds a study, the paper once, or all runs behind our page"),
    ] = "paper",
    only: Annotated[list[str] | None, typer.Option(help="a study; may be repeated")] = None,
    workers: Annotated[int, typer.Option(min=1, help="processes of one thread each")] = 1,
    out: Annotated[
        Path | None,
        typer.Option(help="folder [paper: dataset_card, once: out/once, smoke: out]"),
    ] = None,
    report_only: Annotated[bool, typer.Option("--report-only", help="run nothing")] = False,
) -> None:
    out = out or FOLDERS[scale]
    if scale != "paper" and is_card(out):
        raise ValueError(f"--scale {scale}: {OF_THE_PAPER.format(out=out)}")
    known = [name for name, study in load_studies().items() if scale != "once" or study.once]
    for name in only or []:
        check_choice("--only", name, known)
    check_writable(out / "results")
    todo = [] if report_only else [name for name in known if name in (only or known)]
    failed = run_all(todo, scale, out, workers)
    note = SMOKE if scale == "smoke" else ""
    ran = [name for name in known if packed_cells(name, out).exists()]
    if scale == "once" and ran:
        table = write_once(ran, out, workers)
        note = f"{SINGLE}\n\n{table}"
        print(f"\n{table}")
    print(f"\nwrote {report(out, note)}")
    if failed:
        raise Stopped(f"{', '.join(failed)} failed; the same command continues there")


app = program(main, __doc__)

if __name__ == "__main__":
    app()
