"""Studies: each reproduces one experiment of the paper and says what holds.

One file per study for what is computed, `studies/<name>.py`, always with the same parts:

- the module docstring: the command, what the paper says, and what we do;
- `Args`: every knob with its default and one line of help; `Args.at("paper")` are the settings
  behind the published results, `Args.at("smoke")` a run of seconds that exercises all the code,
  and, for what is in the paper, `Args.at("once")` one repetition of that;
- `run(args, cells) -> dict`: the numbers, each with n and std, the published value beside ours and
  a `Finding` with its verdict; the work is cut into `cells`, so it is parallel and resumes;
- `main`: the command line.

Two more have what is done with the result alone: `studies/rules/<name>.py` judges it,
`judge(result) -> list[Finding]`, and `studies/plots/<name>.py` draws it, `plot(result) -> Figure`,
with a caption as docstring.
Published numbers are in `evidence/published/<name>.json`.

`python -m mnist1d_hf.studies.metalearn_lr --scale paper --workers 2` writes
`dataset_card/results/metalearn_lr.json`, `dataset_card/cells/metalearn_lr.jsonl` (while cells are
missing, a file each in `out/cells/metalearn_lr/`) and `dataset_card/figures/metalearn_lr.png`.
With `--out OUT` all of it is written to OUT.

Several machines share the work through one OUT that all of them reach: each runs the same command
with its own `--rank`, from 0, and the common `--world-size`. Each does its share of the cells, then
of the others' what is still to do, and writes the result. Studies never import each other. All of
them, and the page of what holds: `scripts/reproduce.py`.
"""

import importlib
from typing import TYPE_CHECKING

from mnist1d_hf.extras import require
from mnist1d_hf.options import study_names
from mnist1d_hf.signals.params import check_choice

require("studies", "torch", "transformers", "accelerate", "matplotlib", "openTSNE")

if TYPE_CHECKING:
    from mnist1d_hf.studies.command import Study


def load_study(name: str) -> "Study":
    """A study by name; ValueError, with all names, when there is no such study."""
    check_choice("study", name, study_names())
    return importlib.import_module(f"{__name__}.{name}").main


def load_studies() -> "dict[str, Study]":
    """Every study by name, those that read the results of others last."""
    studies = {name: load_study(name) for name in study_names()}
    return dict(sorted(studies.items(), key=lambda item: bool(item[1].reads)))
