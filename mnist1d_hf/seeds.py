"""The initial weights that torch draws by a seed, without a trace in torch's global generators."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """A context in which torch draws on the CPU what it draws after `torch.manual_seed(seed)`.

    Afterwards the caller's generator is as it was. `torch.manual_seed` itself would also seed the
    generators of all CUDA devices, which nothing restores.

    >>> with seeded(0):
    ...     layer = torch.nn.Linear(40, 10)
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
