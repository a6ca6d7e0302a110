"""A training and its output folder: one command a folder, and Ctrl-C that loses no step.

begun = claim(folder, "--model cnn --learning_rate 0.01")
with Interruption(trainer) as interruption:
    trainer.train(resume_from_checkpoint=begun or None)
interruption.end()          # KeyboardInterrupt with what is saved, if there was a Ctrl-C
release(folder)             # a training that ended needs no checkpoint of an interruption
"""

import json
import shutil
import signal
from pathlib import Path
from typing import Any

from transformers import TrainerCallback
from transformers.trainer_utils import get_last_checkpoint

from mnist1d_hf.files import check_writable, replacing

NOTE = "command.txt"  # the command that a folder belongs to


def claim(folder: Path, command: str, *, overwrite: bool = False, resuming: bool = False) -> bool:
    """Note that `folder` is for `command`; whether an unfinished training of it is there.

    Raises ValueError when the folder cannot be written, or holds a model or checkpoints of another
    command. With `overwrite` these checkpoints are removed instead, and the model will be replaced;
    with `resuming`, which goes on from a checkpoint that was named, all is kept.
    """
    check_writable(folder)
    note, checkpoints = folder / NOTE, list(folder.glob("checkpoint-*"))
    before = note.read_text(encoding="utf-8") if note.exists() else None
    if before == command:
        return unfinished(folder)
    if not resuming and (
        checkpoints or (folder / "config.json").exists() or list(folder.glob("*.safetensors"))
    ):
        if not overwrite:
            by = f"the command `{before}`" if before is not None else "an unknown command"
            raise ValueError(
                f"output_dir {folder} holds a model of {by}: give another --output_dir, or "
                "--overwrite true to replace it"
            )
        for checkpoint in checkpoints:
            shutil.rmtree(checkpoint)
    with replacing(note) as temporary:
        temporary.write_text(command, encoding="utf-8")
    return False


def unfinished(folder: Path) -> bool:
    """Whether the last checkpoint in `folder` is of an earlier step than the training's last."""
    last = get_last_checkpoint(str(folder))
    if last is None:
        return False
    state = json.loads((Path(last) / "trainer_state.json").read_text(encoding="utf-8"))
    return state["global_step"] < state["max_steps"]


def release(folder: Path) -> None:
    """Remove the checkpoints of a training that asked for none and has ended."""
    for checkpoint in folder.glob("checkpoint-*"):
        shutil.rmtree(checkpoint)


class Interruption(TrainerCallback):
    """Within its context Ctrl-C lets the running step end, saves a checkpoint and ends training.

    A second Ctrl-C ends the program at once. In several processes Ctrl-C is left as it is: they
    would stop at different steps, and wait for each other for ever.
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
        self.asked = True
        signal.signal(signal.SIGINT, self.before)

    def on_step_end(self, args, state, control, **_):
        if self.asked:
            control.should_save = control.should_training_stop = True

    def __exit__(self, *_: Any) -> None:
        if self.trainer.args.world_size == 1:
            signal.signal(signal.SIGINT, self.before)

    def end(self) -> None:
        """After training: KeyboardInterrupt, with a message that says what is saved, if asked."""
        if not self.asked:
            return
        step, folder = self.trainer.state.global_step, Path(self.trainer.args.output_dir)
        if (folder / f"checkpoint-{step}").is_dir():
            raise KeyboardInterrupt(f"step {step} is saved, and the same command continues there")
        raise KeyboardInterrupt("nothing is saved, and the same command starts again")
