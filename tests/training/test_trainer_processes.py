"""Mnist1DTrainer against Trainer in two processes, as torchrun starts them."""

import json
import os
import subprocess
import sys

import pytest

SCRIPT = """
import gc, hashlib, json, sys
import torch
import mnist1d_hf
from mnist1d_hf.models import new_model
from mnist1d_hf.training.trainer import Mnist1DTrainer
from transformers import Trainer, TrainingArguments

data = mnist1d_hf.load_dataset("default", validation_size=500)
found = []
for cls in (Trainer, Mnist1DTrainer):
    args = TrainingArguments(
        sys.argv[1], max_steps=12, per_device_train_batch_size=32, logging_steps=3,
        eval_strategy="steps", eval_steps=6, save_strategy="no", report_to="none",
        use_cpu=True, disable_tqdm=True, seed=3,
    )
    trainer = cls(
        new_model("mlp", 0), args, train_dataset=data["train"], eval_dataset=data["validation"]
    )
    trainer.train()
    weights = b"".join(p.detach().numpy().tobytes() for p in trainer.model.parameters())
    history = [
        {name: log[name] for name in ("loss", "eval_loss", "grad_norm", "epoch") if name in log}
        for log in trainer.state.log_history
    ]
    found.append([hashlib.sha256(weights).hexdigest(), history])
if trainer.is_world_process_zero():
    with open(sys.argv[2], "w") as file:
        json.dump([torch.distributed.get_world_size(), *found], file)
# what shares gradients goes while the group is there, and no process leaves before the others
trainer.model_wrapped = trainer.model
trainer.accelerator.free_memory()
gc.collect()
torch.distributed.barrier()
torch.distributed.destroy_process_group()
"""


@pytest.mark.slow
def test_two_processes_train_the_same(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*command, str(script), str(tmp_path / "out"), str(tmp_path / "found.json")],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    world_size, theirs, ours = json.loads((tmp_path / "found.json").read_text())
    assert world_size == 2
    assert ours == theirs
    assert [entry["loss"] for entry in ours[1] if "loss" in entry][0] > 2
