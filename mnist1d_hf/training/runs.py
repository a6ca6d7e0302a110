"""Output folders of trainings: one command per folder, and Ctrl-C without losing steps.

begun = claim(folder, "--model cnn --learning_rate 0.01")
with Interruption(trainer) as interruption:
    trainer.train(resume_from_checkpoint=begun)
interruption.end()          # raises KeyboardInterrupt after a Ctrl-C
release(folder)             # removes checkpoints that are no longer needed

transformers' Trainer resumes from checkpoints, but saves none on Ctrl-C and does not record which
command a folder belongs to.
"""

import json
import shutil
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from mnist1d_hf.files import check_writable, replacing

NOTE = "command.txt"  # the command that a folder belongs to


def claim(
    folder: Path, command: str, *, overwrite: bool = False, resuming: bool = False
) -> str | None:
    """Reserve `folder` for `command`; returns the last checkpoint of an unfinished training of it.

    Args:
        folder: output folder of the training.
        command: the command, as it is written to `command.txt`.
        overwrite: remove checkpoints of another command, whose model will be replaced.
        resuming: keep all files, because the training resumes from a given checkpoint.

    Raises:
        ValueError: the folder cannot be written, or holds a model or checkpoints of another
            command.
    """
    check_writable(folder)
    note, checkpoints = folder / NOTE, list(folder.glob("checkpoint-*"))
    before = note.read_text(encoding="utf-8") if note.exists() else None
    if before == command:
        last = last_checkpoint(folder)
        return str(last[0]) if last and last[1]["global_step"] < last[1]["max_steps"] else None
    if not resuming and (
        checkpoints or (folder / "config.json").exists() or list(folder.glob("*.safetensors"))
    ):
        if not overwrite:
            by = f"the command `{before}`" if before is not None else "an unknown command"
            raise ValueError(
                f"output_dir {folder} holds the run of {by}: give another --output_dir, or "
                "--overwrite true to replace it"
            )
        for checkpoint in checkpoints:
            shutil.rmtree(checkpoint)
    with replacing(note) as temporary:
        temporary.write_text(command, encoding="utf-8")
    return None


def last_checkpoint(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """The newest whole checkpoint in `folder`, with its state; None where there is none.

    The Trainer writes the state last: a checkpoint without it was cut off while it was written.
    """
    whole = []
    for path in folder.glob("checkpoint-*"):
        with suppress(OSError, ValueError):
            state = json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
            whole.append((path, state))
    return max(whole, key=lambda one: one[1]["global_step"], default=None)


def release(folder: Path) -> None:
    """Remove all checkpoints, after a training that has ended and was asked to keep none."""
    for checkpoint in folder.glob("checkpoint-*"):
        shutil.rmtree(checkpoint)


class Interruption(TrainerCallback):
    """Context in which Ctrl-C finishes the current step, saves a checkpoint and ends training.

    A second Ctrl-C ends the program at once. In a distributed training Ctrl-C is not handled: the
    processes would stop at different steps and wait for each other forever.
    """

    def __init__(self, trainer: Any):
        self.trainer, self.asked = trainer, False
        self.before: Any = signal.default_int_handler
        trainer.add_callback(self)

    def __enter__(self) -> "Interruption":
        if self.trainer.args.world_size == 1:
            self.before = signal.signal(signal.SIGINT, self.ask)
        return self

    def ask(self, *_: Any) -> None:
        """Handle the first Ctrl-C."""
        self.asked = True
        signal.signal(signal.SIGINT, self.before)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Let the Trainer save and stop, if Ctrl-C was pressed."""
        if self.asked:
            control.should_save = control.should_training_stop = True

    def __exit__(self, *_: Any) -> None:
        if self.trainer.args.world_size == 1:
            signal.signal(signal.SIGINT, self.before)

    def end(self) -> None:
        """After a Ctrl-C, raise KeyboardInterrupt with a message that says what is saved."""
        if not self.asked:
            return
        step, folder = self.trainer.state.global_step, Path(self.trainer.args.output_dir)
        if (folder / f"checkpoint-{step}").is_dir():
            raise KeyboardInterrupt(f"step {step} is saved, and the same command continues there")
        raise KeyboardInterrupt("nothing is saved, and the same command starts again")
