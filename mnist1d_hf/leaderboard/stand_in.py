"""What the sandbox runs for a checkpoint that was trained elsewhere: it loads, and never trains.

The checkpoint is the folder `checkpoint` beside this file. Its own code runs here too, where it
can reach neither the network nor the labels.
"""

from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification

ROWS = 1000  # signals at a time

FOLDER = Path(__file__).with_name("checkpoint")
MODEL = AutoModelForSequenceClassification.from_pretrained(FOLDER, trust_remote_code=True)


def train(x, y, *, seed, num_classes):
    return predict


@torch.inference_mode()
def predict(signals):
    parts = torch.from_numpy(signals).split(ROWS)
    return torch.cat([MODEL(x=part).logits.argmax(1) for part in parts]).numpy()
