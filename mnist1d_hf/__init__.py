"""MNIST-1D for the Hugging Face ecosystem.

Importing this package makes `datasets.load_dataset("mnist1d", ...)` work; it imports no torch.

>>> import datasets, mnist1d_hf
>>> datasets.load_dataset("mnist1d", "shuffled", split="test").num_rows
1000
"""

from mnist1d_hf.data.load import load_dataset as load_dataset
from mnist1d_hf.data.load import load_dataset_builder as load_dataset_builder
from mnist1d_hf.data.register import register
from mnist1d_hf.data.tensors import to_numpy as to_numpy
from mnist1d_hf.data.tensors import to_torch as to_torch
from mnist1d_hf.signals.excess import ExcessError as ExcessError
from mnist1d_hf.signals.excess import excess_error as excess_error
from mnist1d_hf.signals.generate import Mnist1DArrays as Mnist1DArrays
from mnist1d_hf.signals.generate import make_mnist1d as make_mnist1d
from mnist1d_hf.signals.generate import make_range as make_range
from mnist1d_hf.signals.generate import time_axis as time_axis
from mnist1d_hf.signals.latents import Latents as Latents
from mnist1d_hf.signals.latents import latents_of as latents_of
from mnist1d_hf.signals.params import CONFIGS as CONFIGS
from mnist1d_hf.signals.params import SignalParams as SignalParams
from mnist1d_hf.signals.posterior import LatentPosterior as LatentPosterior
from mnist1d_hf.signals.posterior import class_posterior as class_posterior
from mnist1d_hf.signals.posterior import latent_posterior as latent_posterior
from mnist1d_hf.signals.posterior import log_density as log_density
from mnist1d_hf.signals.templates import Templates as Templates
from mnist1d_hf.signals.templates import templates as templates

__version__ = "0.1.0"

register()
