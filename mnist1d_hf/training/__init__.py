"""Training with torch: the Trainer, its metrics and batches, and training of many models at once.

`studies` and scripts may import this room; the models are in `models`.
"""

from mnist1d_hf.extras import require

require("train", "torch", "transformers", "accelerate", "evaluate", "sklearn")
