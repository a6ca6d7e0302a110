"""Train the six models that are published, each by its recipe: the paper's, or ours for the last.

    python scripts/train_baselines.py                # all six into out/models
    python scripts/train_baselines.py --only cnn --only gru
    python scripts/publish.py --models out/models    # and publish them

Each is one call of scripts/train.py, printed before it runs and repeated in the model's card. What
is there already is left as it is, and an interrupted run goes on from its last checkpoint.
The models of the paper take its recipe: Adam with a learning rate of 1e-2, 6000 batches of 100 rows
in their order. TCN and Transformer take the recipes `augmented` of the study classification.
"""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from mnist1d_hf.entrances import program, refusals
from mnist1d_hf.evidence.training_record import TrainingRecord
from mnist1d_hf.extras import require
from mnist1d_hf.files import sha256

with refusals():  # the extra `train`
    from mnist1d_hf.training.recipes import RECIPES, WARM_UP, Recipe

# for going on after an interruption; of no influence on what is trained
KEEP = ["--save_strategy=steps", "--save_steps=1000", "--save_total_limit=1"]


def options(recipe: Recipe) -> list[str]:
    """The recipe as arguments of scripts/train.py, whose defaults are the paper's."""
    given = {"protocol": "paper"}
    if recipe.shuffled:
        given |= {
            "learning_rate": recipe.learning_rate,
            "weight_decay": recipe.weight_decay,
            "lr_scheduler_type": recipe.schedule,
            "warmup_steps": WARM_UP,
            "label_smoothing_factor": recipe.label_smoothing,
            "augment": recipe.shift,
        }
    else:
        given["train_sampling_strategy"] = "sequential"
    given["max_steps"] = recipe.steps
    return [f"--{name}={value}" for name, value in given.items()]


def arguments(model: str, folder: Path, max_steps: int | None) -> list[str]:
    """Those of scripts/train.py that train this model, by `max_steps` if it is given."""
    what = [f"--model={model}", f"--output_dir={folder / model}"]
    fewer = [] if max_steps is None else [f"--max_steps={max_steps}"]  # the last one counts
    return [*what, *options(RECIPES[model]), *fewer, *KEEP]


def finished(folder: Path, argv: list[str]) -> bool:
    """Whether the folder holds the model of these arguments: its record, written last, says so."""
    try:
        record = TrainingRecord.read(folder)
    except (FileNotFoundError, ValueError):  # of another version: train again
        return False
    weights = sha256(folder / "model.safetensors")
    return record.command == f"python scripts/train.py {shlex.join(argv)}" and (
        record.weights_sha256 == weights is not None
    )


def train_baselines(folder: Path, models: list[str], max_steps: int | None = None) -> None:
    """Train what is not there yet; raises ValueError for a model that has no recipe."""
    unknown = sorted(set(models) - set(RECIPES))
    if unknown:
        raise ValueError(f"unknown models {', '.join(unknown)}: choose of {', '.join(RECIPES)}")
    require("train", "torch", "transformers", "accelerate")
    for model in models:
        argv = arguments(model, folder, max_steps)
        if finished(folder / model, argv):
            print(f"{model}: there already, in {folder / model}")
            continue
        print(f"{model}: python scripts/train.py {shlex.join(argv)}", flush=True)
        from train import main  # beside this file; here, because it takes seconds

        main([*argv, "--overwrite=true"])  # of another recipe, whose checkpoints are no beginning


def main(
    out: Annotated[Path, typer.Option(help="a folder for each model is made here")] = Path(
        "out/models"
    ),
    only: Annotated[
        list[str] | None, typer.Option(help=f"of {', '.join(RECIPES)}; may be repeated")
    ] = None,
    max_steps: Annotated[
        int | None, typer.Option(help="instead of the recipe's: a trial, no baseline")
    ] = None,
) -> None:
    train_baselines(out, only or list(RECIPES), max_steps)


app = program(main, __doc__)

if __name__ == "__main__":
    app()
