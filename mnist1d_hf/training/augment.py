"""Random variations of signals that keep their class, for contrastive and supervised training.

    generator = torch.Generator().manual_seed(0)
    x = augment(x, generator)                                  # the paper's, without a trend
    x = augment(x, generator, detrend=False, shifts=(-4, 4), noise=0.05)

One call draws anew for every row of a batch, so it goes into the training loop.
"""

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
    """Shift, tilt, lift and blur each row of `x` at random; `x` itself is not changed.

    The defaults are those of the paper's contrastive learning (notebook self-supervised-learning).

    Args:
        x: (n, d) signals, floating point; d is 40 there.
        generator: draws the random numbers, on the device of x.
        detrend: first subtract each row's mean and the slope of its least-squares line, as the
            paper does: a contrastive task must not be solvable by either.
        shifts: the smallest and the largest rotation to the right, in points, both included.
        slope: standard deviation of the slope that is added, per point.
        offset: standard deviation of the constant that is added.
        noise: standard deviation of the independent noise that is added to every point.

    Raises ValueError when x is no batch of signals, shifts are not in order or a standard deviation
    is negative.

    >>> x = torch.zeros(3, 40)
    >>> augment(x, torch.Generator().manual_seed(0)).shape
    torch.Size([3, 40])
    """
    if x.ndim != 2 or not x.is_floating_point():
        raise ValueError(
            f"x is {x.dtype} of shape {tuple(x.shape)}: must be floats of shape (n, d)"
        )
    low, high = shifts
    if low > high:
        raise ValueError(f"shifts={shifts}: the smallest comes first")
    for name, value in (("slope", slope), ("offset", offset), ("noise", noise)):
        if value < 0:
            raise ValueError(f"{name}={value}: a standard deviation is at least 0")
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
    """`augment` for classifiers: a rotation by up to `shift` points either way, a tilt, a lift and
    noise of standard deviation 0.05; trends stay, as they do not tell classes apart.

    >>> vary(torch.zeros(3, 40), torch.Generator().manual_seed(0), shift=2).shape
    torch.Size([3, 40])
    """
    return augment(x, generator, detrend=False, shifts=(-shift, shift), noise=0.05)
