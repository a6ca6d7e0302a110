"""The intermediate signals of `render`, one stage per step of the generator."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from mnist1d_hf.signals.frozen import Draws
from mnist1d_hf.signals.params import SignalParams
from mnist1d_hf.signals.render import dilated_table, render, rotations
from mnist1d_hf.signals.templates import Templates
from mnist1d_hf.signals.templates import templates as digit_templates

# The eight steps, each with the draw or the parameter that switches it on.
SWITCHES = {
    "pad": None,
    "dilate": "padding",
    "scale": "scale_coeff",
    "translate": "shift",
    "correlated noise": "corr_noise_scale",
    "independent noise": "iid_noise_scale",
    "shear": "shear_scale",
    "resample": "final_seq_length",
}
STEPS = tuple(SWITCHES)


class Stage(NamedTuple):
    """Signals after the steps up to this one."""

    step: str
    x: np.ndarray  # (n, positions) float64; padded_length positions until the last step


def stages(
    classes: np.ndarray,
    draws: Draws,
    params: SignalParams,
    *,
    shares: Sequence[float] = (1.0,),
    templates: Templates | None = None,
) -> Iterator[Stage]:
    """The signals of `classes` (n,) after each of the eight steps, in order.

    The last stage equals the result of `render` bit for bit. Before dilation, signals are padded to
    the full length.

    Args:
        classes: rows of the templates (n,) int64.
        draws: the random numbers of the n signals.
        params: the parameters of the generator.
        shares: fractions of its full effect at which each step is shown, for an animation; the
            last one must be 1.
        templates: noise-free patterns in place of the ten digits.

    Raises ValueError, at the first stage, when the last share is not 1.
    """
    if not len(shares) or shares[-1] != 1:
        raise ValueError(f"shares={shares}: the last one must be 1, the whole effect of a step")
    windows = rotations(
        dilated_table(digit_templates() if templates is None else templates, params)
    )
    n = len(classes)
    now = draws._replace(padding=np.full(n, np.nextafter(1, 0)), shift=np.zeros(n, dtype=np.int64))
    active = replace(
        params,
        final_seq_length=params.padded_length,  # resampling at the same positions changes nothing
        scale_coeff=0,
        corr_noise_scale=0,
        iid_noise_scale=0,
        shear_scale=0,
    )
    for step, switch in SWITCHES.items():
        source, before = (draws, now) if switch in Draws._fields else (params, active)
        for share in shares:
            if switch is not None:
                start, end = getattr(before, switch), getattr(source, switch)
                part = end if share == 1 else start + share * (end - start)
                if isinstance(source, Draws):
                    now = now._replace(**{switch: np.asarray(part).astype(end.dtype)})
                else:
                    active = replace(active, **{switch: type(end)(part)})
            yield Stage(step, render(windows, classes, now, active))
