"""One training step through Trainer, in a bare loop, and in the original's loop."""

import gc
import tempfile
import time
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import datasets
import torch
from benchmarks.timing import best_of
from torch import nn
from transformers import PrinterCallback, Trainer, TrainingArguments

import mnist1d_hf
from mnist1d_hf.models import ARCHITECTURES
from mnist1d_hf.training.trainer import Mnist1DTrainer

EVALUATE_EVERY = 250  # steps, in the original


def measure(rounds: int, steps: int) -> list[dict]:
    """Rows of the table: each loop of each model, alone and with the original's evaluations."""
    torch.set_num_threads(1)
    splits, rows = load(), []
    original_data()
    for name in ("cnn", "mlp", "gru"):
        loops = {
            "bare loop": partial(bare_loop, name, *mnist1d_hf.to_torch(splits["train"])),
            "Mnist1DTrainer": partial(trainer_loop, Mnist1DTrainer, name, splits),
            "Trainer": partial(trainer_loop, Trainer, name, splits),
            "original": partial(original_loop, name),
        }
        short, long = (dict.fromkeys(loops, float("inf")) for _ in range(2))
        for _ in range(rounds):
            for loop, run in loops.items():
                short[loop] = min(short[loop], cpu_seconds(run, 20))
                long[loop] = min(long[loop], cpu_seconds(run, 20 + steps))
        # what a run costs once is in both; the best of differences would be the luckiest pair
        best = {loop: (long[loop] - short[loop]) / steps for loop in loops}
        best |= with_evaluation(name, splits, best, rounds)
        for loop, seconds in best.items():
            rows.append(
                {
                    "model": name,
                    "loop": loop,
                    "ms per step": seconds * 1e3,
                    "of the bare loop": seconds / best["bare loop"],
                    "of the original": seconds / best["original"],
                }
            )
    return rows


def cpu_seconds(run: Callable[[int], object], steps: int) -> float:
    """CPU seconds of `run(steps)`."""
    # Trainer collects garbage once a training, which takes as long as hundreds of steps where
    # everything that was imported is looked through
    gc.collect()
    gc.freeze()
    begin = time.process_time()
    run(steps)
    return time.process_time() - begin


def with_evaluation(name: str, splits, per_step: dict[str, float], rounds: int) -> dict:
    """The two loops that people run, with accuracies of train and test every 250 steps."""
    ours = trainer(Mnist1DTrainer, name, splits, steps=1)
    theirs = original_model(name)
    seconds = best_of(
        rounds,
        Mnist1DTrainer=lambda: ours.evaluate({"train": splits["train"], "test": splits["test"]}),
        original=lambda: original_evaluation(theirs),
    )
    return {
        f"{loop}, evaluating": per_step[loop] + each / EVALUATE_EVERY
        for loop, each in seconds.items()
    }


def load():
    """The default data, built in a folder that goes away."""
    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory() as folder:
        return mnist1d_hf.load_dataset("default", cache_dir=folder, keep_in_memory=True)


def bare_loop(name: str, x: torch.Tensor, labels: torch.Tensor, steps: int) -> None:
    """Our model, its loss, fused Adam, batches cut from a permutation: nothing else."""
    config, model_class = ARCHITECTURES[name]
    model = model_class(config()).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0, fused=True)
    done = 0
    while True:
        for rows in torch.randperm(len(x)).split(100):
            if done == steps:
                return
            model(x=x[rows], labels=labels[rows]).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            done += 1


def trainer_loop(trainer_class: type, name: str, splits, steps: int) -> None:
    """The same through a Trainer."""
    trainer(trainer_class, name, splits, steps).train()


def trainer(trainer_class: type, name: str, splits, steps: int) -> Any:
    """A Trainer, with what is not training switched off."""
    config, model_class = ARCHITECTURES[name]
    args = TrainingArguments(
        "unused",
        per_device_train_batch_size=100,
        per_device_eval_batch_size=1000,
        learning_rate=1e-2,
        lr_scheduler_type="constant",
        max_grad_norm=0,
        max_steps=steps,
        logging_strategy="no",
        save_strategy="no",
        disable_tqdm=True,
        logging_nan_inf_filter=False,
        use_cpu=True,
    )
    made = trainer_class(model_class(config()), args, train_dataset=splits["train"])
    made.remove_callback(PrinterCallback)
    return made


@cache
def original_data() -> tuple[torch.Tensor, ...]:
    """The original package's data, bit for bit, as its loop takes them."""
    data = mnist1d_hf.make_mnist1d()
    x, x_test = torch.Tensor(data.x_train), torch.Tensor(data.x_test)
    return x, torch.LongTensor(data.y_train), x_test, torch.LongTensor(data.y_test)


def original_loop(name: str, steps: int) -> None:
    """The training loop of the original repository (notebooks/train.py), without evaluation."""
    torch.manual_seed(0)
    x, y, _, _ = original_data()
    model = original_model(name)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    for step in range(steps):
        start = (step * 100) % len(x)
        loss = criterion(model(x[start : start + 100]), y[start : start + 100])
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()


def original_evaluation(model: nn.Module) -> list[float]:
    """What the original's loop measures every 250 steps, gradients and Python's `sum` included."""
    x, y, x_test, y_test = original_data()
    found = [nn.functional.cross_entropy(model(x_test), y_test).item()]
    for inputs, labels in ((x, y), (x_test, y_test)):
        predicted = model(inputs).argmax(-1).numpy()
        found.append(100 * sum(predicted == labels.numpy()) / len(labels))
    return found


def original_model(name: str):
    """The original's model as a plain module."""

    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(100, 100)

        def forward(self, x):
            return x + self.linear(x).relu()

    class Outputs(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru = nn.GRU(1, 6, batch_first=True, bidirectional=True)

        def forward(self, x):
            return self.gru(x.unsqueeze(2))[0].flatten(1)

    layers = {
        "mlp": lambda: [nn.Linear(40, 100), nn.ReLU(), Residual(), nn.Linear(100, 10)],
        "cnn": lambda: [
            nn.Unflatten(1, (1, 40)),
            nn.Conv1d(1, 25, 5, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv1d(25, 25, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv1d(25, 25, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(125, 10),
        ],
        "gru": lambda: [Outputs(), nn.Linear(480, 10)],
    }
    return nn.Sequential(*layers[name]())
