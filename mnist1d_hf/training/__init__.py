"""Training with torch: the Trainer, its metrics and batches, and training of many models at once.

Imported by `studies` and scripts; the models themselves are in `models`.
"""

from mnist1d_hf.extras import require

require("train", "torch", "transformers", "accelerate", "evaluate", "sklearn")
