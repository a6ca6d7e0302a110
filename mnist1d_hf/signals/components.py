"""The mixture of Gaussians that the generator samples from, component by component.

No installable library has this model: it follows from the generator's own parameters. Before
normalisation, a signal y of a class with padding p and shift k is

    y = R (s w + m * a S n1 + b n2 - h l)

with R the final resampling, w the dilated and translated template, s its amplitude, m the mask of
the background, S the smoothing, a and b the two noise scales, n1 and n2 standard normal, h the
slope and l the line from -1/2 to 1/2. Given p, k, s and h it is Gaussian, with a covariance that
depends on the mask alone. Slope and amplitude are uniform: the integral over the slope is a
difference of two normal distribution functions, and `integrals` computes that over the amplitude.

Whitened by its covariance and projected orthogonally to the line, a signal has the log density

    log_weight - |whitening y|^2 / 2 + log of the mean over s of exp(s g u - s^2 g^2 / 2) band(s)

with u = direction y, g the length of the whitened template, and band(s) the probability that a
standard normal number lies within `reach` of ramp y - s tilt.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from mnist1d_hf.signals.params import SignalParams
from mnist1d_hf.signals.render import dilated_table, resample, rotations, smooth
from mnist1d_hf.signals.templates import Templates

# With less independent noise than this fraction of the other scales, the rounding errors of float32
# rows count as signal, and covariances are singular in float64.
LEAST_NOISE = 1e-5
# Slopes that move a whitened signal by less than this are treated as 0.
FLAT = 1e-5
# A reach that no standard normal number exceeds.
ENDLESS = 1e3
# A template whose part orthogonal to the line is a smaller fraction of it is parallel to the line.
ROUNDING = 1e-10


class Components(NamedTuple):
    """M components, one for each class, padding and shift, in G groups with one covariance each.

    Components are ordered by mask, class, padding and shift; a group is a pair of mask and shift.
    d is the number of positions after the resampling, at most L = `SignalParams.padded_length`.
    """

    label: np.ndarray  # (M,) int64, row of the templates
    padding: np.ndarray  # (M,) int64, from 0, added to the least padding
    shift: np.ndarray  # (M,) int64
    group: np.ndarray  # (M,) int64
    direction: np.ndarray  # (M, d) the whitened template across the line, with length 1 or 0
    length: np.ndarray  # (M,) its length
    tilt: np.ndarray  # (M,) the whitened template along the line
    whitening: np.ndarray  # (G, d, d)
    ramp: np.ndarray  # (G, d)
    reach: np.ndarray  # (G,) half the width of the slope, in standard deviations
    rise: np.ndarray  # (G,) standard deviations per unit of slope
    log_weight: np.ndarray  # (G,)
    masks: tuple[slice, ...]  # the components of each mask
    runs: np.ndarray  # first components of runs of one mask and class
    shape: tuple[int, int, int]  # numbers of classes, paddings and shifts
    amplitudes: tuple[float, float]  # least and greatest
    reduction: np.ndarray | None  # (d, final_seq_length) undoes a resampling to more than L points


class Normals(NamedTuple):
    """The normal distributions of one mask at each of K shifts, for amplitude 1 and no slope."""

    label: np.ndarray  # (m,) int64, row of the templates
    padding: np.ndarray  # (m,) int64, from 0
    means: np.ndarray  # (m, K, d)
    covariances: np.ndarray  # (K, d, d)


def normals(params: SignalParams, templates: Templates) -> Iterator[Normals]:
    """The normal distributions of unnormalised signals, one mask at a time."""
    length, shifts = params.padded_length, params.max_translation
    sampling = resampling(params)
    independent = params.iid_noise_scale**2 * (sampling @ sampling.T)
    blur = params.corr_noise_scale * smooth(np.eye(length)).T
    table = dilated_table(templates, params)  # (classes, paddings, L)
    masks, member = np.unique((table == 0).reshape(-1, length), axis=0, return_inverse=True)
    windows = rotations(table)[:, :, :shifts]
    for k, background in enumerate(rotations(masks[None])[0, :, :shifts]):  # (shifts, L)
        label, padding = np.nonzero(member.reshape(table.shape[:2]) == k)
        noise = sampling @ (background[:, :, None] * blur)  # (shifts, d, L)
        means = windows[label, padding] @ sampling.T
        yield Normals(label, padding, means, noise @ noise.swapaxes(1, 2) + independent)


def resampling(params: SignalParams) -> np.ndarray:
    """The final resampling as a matrix (d, L), where d is at most L.

    Resampling to more than L points adds no information, so the matrix then has L rows.
    """
    length = params.padded_length
    return resample(np.eye(length), min(params.final_seq_length, length)).T


def components(params: SignalParams, templates: Templates) -> Components:
    """The components of the signals that `params` and `templates` describe.

    Raises ValueError when the independent noise is too small: the density is then too narrow for
    float64, or does not exist.
    """
    check_noise(params, templates)
    length, most, shifts = params.padded_length, params.final_seq_length, params.max_translation
    line = resampling(params) @ np.linspace(-0.5, 0.5, length)
    groups, places, runs, ends = [], [], [], [0]
    for k, (label, padding, means, covariances) in enumerate(normals(params, templates)):
        groups.append(whitened(means, line, covariances, params.shear_scale))
        shift = np.arange(shifts)
        part = np.broadcast_arrays(label[:, None], padding[:, None], shift, shift + k * shifts)
        places.append(np.stack([values.ravel() for values in part]))
        runs.append(ends[-1] + np.searchsorted(label, np.unique(label)) * shifts)
        ends.append(ends[-1] + label.size * shifts)
    label, padding, shift, group = np.concatenate(places, axis=1)
    joined: dict[str, Any] = {
        name: np.concatenate(parts)
        for name, parts in zip(Whitened._fields, zip(*groups, strict=True), strict=True)
    }
    joined["log_weight"] -= np.log(len(label))  # all components are equally likely
    low, high = params.padding
    return Components(
        label=label,
        padding=padding,
        shift=shift,
        group=group,
        masks=tuple(slice(*pair) for pair in zip(ends[:-1], ends[1:], strict=True)),
        runs=np.concatenate(runs),
        shape=(len(templates.y), high - low + 1, shifts),
        amplitudes=(1 - params.scale_coeff / 2, 1 + params.scale_coeff / 2),
        reduction=np.linalg.pinv(resample(np.eye(length), most).T) if most > length else None,
        **joined,
    )


def check_noise(params: SignalParams, templates: Templates) -> None:
    """ValueError when `iid_noise_scale` is too small for a density."""
    others = (1.0, params.corr_noise_scale, params.scale_coeff, params.shear_scale)
    least = LEAST_NOISE * max(*others, float(np.abs(templates.x).max()))
    if params.iid_noise_scale < least:
        raise ValueError(
            f"iid_noise_scale={params.iid_noise_scale}: must be at least {least:.3g} for a density "
            "(1e-5 of the signals' other scales), because nothing else blurs the digit; raise it"
        )


class Whitened(NamedTuple):
    """The m components of one mask at each of K shifts, with the field names of `Components`."""

    direction: np.ndarray  # (m K, d)
    length: np.ndarray  # (m K,)
    tilt: np.ndarray  # (m K,)
    whitening: np.ndarray  # (K, d, d)
    ramp: np.ndarray  # (K, d)
    reach: np.ndarray  # (K,)
    rise: np.ndarray  # (K,)
    log_weight: np.ndarray  # (K,) without the prior


def whitened(
    means: np.ndarray, line: np.ndarray, covariance: np.ndarray, shear_scale: float
) -> Whitened:
    """Whiten the templates `means` (m, K, d) and the line (d,) by covariances (K, d, d)."""
    d = len(line)
    white = np.linalg.inv(np.linalg.cholesky(covariance))
    ramp = white @ line
    rise = np.linalg.norm(ramp, axis=1)
    reach = shear_scale / 2 * rise
    flat = reach < FLAT
    ramp /= np.where(flat, np.inf, rise)[:, None]
    log_weight = np.log(np.diagonal(white, axis1=1, axis2=2)).sum(axis=1)
    log_weight -= d / 2 * np.log(2 * np.pi)
    log_weight += np.where(flat, 0, np.log(2 * np.pi) / 2 - np.log(2 * np.maximum(reach, FLAT)))
    template = white @ means.transpose(1, 2, 0)  # (K, d, m)
    tilt = ramp[:, None] @ template  # (K, 1, m)
    across = template - ramp[:, :, None] * tilt
    length = np.linalg.norm(across, axis=1)
    length[length < ROUNDING * np.linalg.norm(template, axis=1)] = 0
    across /= np.where(length > 0, length, np.inf)[:, None]
    return Whitened(
        direction=(white.swapaxes(1, 2) @ across).transpose(2, 0, 1).reshape(-1, d),
        length=length.T.ravel(),
        tilt=tilt[:, 0].T.ravel(),
        whitening=white - ramp[:, :, None] * (ramp[:, None] @ white),
        ramp=(ramp[:, None] @ white)[:, 0],
        reach=np.where(flat, ENDLESS, reach),
        rise=np.where(flat, np.inf, rise),
        log_weight=log_weight,
    )
