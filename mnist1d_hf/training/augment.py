"""Random augmentations that preserve the class, for contrastive and supervised training.

    generator = torch.Generator().manual_seed(0)
    x = augment(x, generator)                                  # the paper's, with detrending
    x = augment(x, generator, detrend=False, shifts=(-4, 4), noise=0.05)

Every call draws new random numbers for every row, so call it on each batch in the training loop.
"""

import math

import torch
from torch import Tensor


def augment(
    x: Tensor,
    generator: torch.Generator,
    *,
    detrend: bool = True,
    shifts: tuple[int, int] = (0, 9),
    slope: float = 0.04,
    offset: float = 0.3,
    noise: float = 0.0,
) -> Tensor:
    """Randomly rotate each row of `x`, and add a random line and noise; returns a new tensor.

    The defaults are those of the paper's contrastive learning (notebook self-supervised-learning,
    where d = 40).

    Args:
        x: (n, d) signals, floating point.
        generator: source of the random numbers, on the device of x.
        detrend: first subtract each row's least-squares line, as the paper does, so that a
            contrastive task cannot be solved by mean or slope.
        shifts: smallest and largest rotation to the right, in points, both inclusive.
        slope: standard deviation of the added slope, per point.
        offset: standard deviation of the added constant.
        noise: standard deviation of the independent noise added to every point.

    Raises:
        ValueError: x is not a batch of signals, the shifts are not in order, or a standard
            deviation is negative.

    >>> x = torch.zeros(3, 40)
    >>> augment(x, torch.Generator().manual_seed(0)).shape
    torch.Size([3, 40])
    """
    if x.ndim != 2 or x.shape[1] < 2 or not x.is_floating_point():
        raise ValueError(
            f"x is {x.dtype} of shape {tuple(x.shape)}: must be floats of shape (n, d), d >= 2"
        )
    low, high = shifts
    if low > high:
        raise ValueError(f"shifts={shifts}: the smallest comes first")
    for name, value in (("slope", slope), ("offset", offset), ("noise", noise)):
        if not 0 <= value < math.inf:
            raise ValueError(f"{name}={value}: a standard deviation is finite and at least 0")
    n, d = x.shape

    def normal(width: int) -> Tensor:
        return torch.randn(n, width, generator=generator, device=x.device, dtype=x.dtype)

    time = torch.arange(d, device=x.device, dtype=x.dtype) - (d - 1) / 2  # sums to 0
    if detrend:
        x = x - x.mean(1, keepdim=True)
        x = x - (x @ time)[:, None] / (time @ time) * time
    steps = torch.randint(low, high + 1, (n, 1), generator=generator, device=x.device)
    x = x.gather(1, (torch.arange(d, device=x.device) - steps) % d)
    x = x + slope * normal(1) * time + offset * normal(1)
    return x + noise * normal(d) if noise else x


def vary(x: Tensor, generator: torch.Generator, shift: int) -> Tensor:
    """`augment` for classification: rotations by up to `shift` points in both directions, and noise
    of standard deviation 0.05, without detrending.

    >>> vary(torch.zeros(3, 40), torch.Generator().manual_seed(0), shift=2).shape
    torch.Size([3, 40])
    """
    return augment(x, generator, detrend=False, shifts=(-shift, shift), noise=0.05)
