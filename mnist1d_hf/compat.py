"""The functions of the original package `mnist1d`, for code that was written for it.

    import mnist1d_hf.compat as mnist1d

    args = mnist1d.get_dataset_args()
    data = mnist1d.get_dataset(args)  # the same dictionary of arrays

Code that says `from mnist1d.data import make_dataset` runs unchanged after one line,
`mnist1d_hf.compat.install()`, whether or not the original is installed.

The original can be installed beside this package; this module serves users who do not want its
global seeding, downloads and pickle files. Signatures and results are those of version 0.0.2.post1.
The following differences are intended:

- `make_dataset` is much faster and does not touch the global random generators; call `set_seed` if
  later code relies on their state.
- `get_dataset` returns the data of its arguments, whatever files exist, and downloads nothing: the
  file that the original downloads holds the data of the default arguments.
- `from_pickle` reads plain data only, so that a file cannot run code.
- Parameters that break a rule of `SignalParams` raise ValueError.
"""

import hashlib
import os
import pickle
import random
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist1d_hf.files import replacing
from mnist1d_hf.plain_pickle import read_plain_pickle
from mnist1d_hf.signals.generate import make_mnist1d
from mnist1d_hf.signals.params import SignalParams
from mnist1d_hf.signals.render import EPSILON, NOISE_SIGMA, resample
from mnist1d_hf.signals.templates import Templates, templates

if TYPE_CHECKING:
    from matplotlib.figure import Figure

URL = "https://github.com/greydanus/mnist1d/raw/master/mnist1d_data.pkl"
OURS_ALONE = ("label_noise", "validation_size", "stream")
PARAMETERS = tuple(f.name for f in fields(SignalParams) if f.name not in OURS_ALONE)

# the original's modules, as in `mnist1d.data.get_dataset`; `transform` is a function here
data = utils = sys.modules[__name__]


def install() -> None:
    """Let `import mnist1d`, and imports from its modules, find this module in this process."""
    for name in ("mnist1d", "mnist1d.data", "mnist1d.transform", "mnist1d.utils"):
        sys.modules[name] = data


class ObjectView:
    """A dictionary whose entries are attributes, without copying it."""

    def __init__(self, d: dict[str, Any]) -> None:
        self.__dict__ = d


# --- datasets ------------------------------------------------------------------------------------


def get_dataset_args(as_dict: bool = False) -> Any:
    """The default parameters, as an object with attributes or as a dictionary."""
    defaults = vars(SignalParams())
    args = {name: defaults[name] for name in PARAMETERS}
    args |= {"padding": list(args["padding"]), "url": URL}
    return args if as_dict else ObjectView(args)


def get_templates() -> dict[str, np.ndarray]:
    """The ten digits: x (10, 12), t (12,) and y (10,)."""
    return templates()._asdict()


def make_dataset(args: Any = None, template: dict[str, Any] | None = None) -> dict[str, Any]:
    """Generate a dataset: x, x_test (n, d) float64, y, y_test (n,), t (d,), and its templates.

    `args` has the attributes of `get_dataset_args()`; `template` has x, t and y, as
    `get_templates()`.

    Raises ValueError when a parameter breaks its rule.
    """
    params = read_params(get_dataset_args() if args is None else args)
    template = get_templates() if template is None else template
    labels = np.asarray(template["y"])
    # generated as 0, 1, 2, ... since the labels may be anything
    made = make_mnist1d(
        params, templates=Templates(template["x"], template["t"], np.arange(len(labels)))
    )
    return {
        "x": made.x_train,
        "x_test": made.x_test,
        "y": labels[made.y_train],
        "y_test": labels[made.y_test],
        "t": made.t,
        "templates": template,
    }


def get_dataset(
    args: Any,
    path: str | os.PathLike[str] | None = None,
    verbose: bool = True,
    download: bool = True,
    regenerate: bool = False,
    **kwargs: Any,
) -> dict[str, Any]:
    """The dataset of `make_dataset(args, **kwargs)`, stored in a file.

    If the file exists, its contents are returned, provided they are the data of the arguments (to
    1e-9, so that a file downloaded by the original package is accepted). Otherwise the file is
    written. Nothing is ever downloaded, and `args.url` is ignored.

    Args:
        args: an object with the attributes of `get_dataset_args()`.
        path: the file; by default one in the working directory whose name depends on the arguments.
        verbose: whether to print the path.
        download: has no effect, but must be False for `regenerate`, as in the original.
        regenerate: whether to replace the file.
        kwargs: `template`, as in `make_dataset`.

    Raises:
        ValueError: the file holds other data, or both `download` and `regenerate` are set.
    """
    if download and regenerate:
        raise ValueError("download=True and regenerate=True: set one of them to False")
    dataset = make_dataset(args, **kwargs)
    path = Path(default_path(args, **kwargs) if path is None else path)
    if path.exists() and not regenerate:
        found = from_pickle(path)
        if not agree(found, dataset):
            raise ValueError(
                f"{path} does not hold the data of these arguments: remove it, choose another "
                "path, or replace it with download=False, regenerate=True"
            )
        dataset = found
    else:
        to_pickle(dataset, path)
    if verbose:
        print(f"The dataset is in {path}")
    return dataset


def read_params(args: Any) -> SignalParams:
    """The parameters in an object with the attributes of `get_dataset_args()`."""
    return SignalParams(**{name: getattr(args, name) for name in PARAMETERS})


def default_path(args: Any, template: dict[str, Any] | None = None) -> str:
    """The file of `get_dataset` without a path: its name has a digest of the arguments."""
    params = read_params(args)
    if params == SignalParams() and template is None:
        return "./mnist1d_data.pkl"
    digest = hashlib.sha256(repr(params).encode())
    for name, values in sorted((template or {}).items()):
        digest.update(name.encode() + np.ascontiguousarray(values).tobytes())
    return f"./mnist1d_data_{digest.hexdigest()[:10]}.pkl"


def agree(found: Any, expected: Any) -> bool:
    """Whether `found` has all entries of `expected`, with floats equal to 1e-9."""
    if isinstance(expected, dict):
        return isinstance(found, dict) and all(
            name in found and agree(found[name], value) for name, value in expected.items()
        )
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape or found.dtype.kind != expected.dtype.kind:
        return False
    if expected.dtype.kind == "f":
        return np.allclose(found, expected, rtol=0, atol=1e-9)
    return np.array_equal(found, expected)


# --- one signal at a time: these draw from NumPy's global generator, as the original's do ---------


def pad(x: np.ndarray, padding: tuple[int, int]) -> np.ndarray:
    """`x` followed, along its last axis, by a random number of zeros from `padding`'s range."""
    low, high = padding
    zeros = low + int(np.random.rand() * (high - low + 1))
    return np.concatenate([x, np.zeros((*x.shape[:-1], zeros))], axis=-1)


def shear(x: np.ndarray, scale: float = 10) -> np.ndarray:
    """`x` (n,) minus a straight line through its middle; its rise is up to `scale / 2`."""
    slope = scale * (np.random.rand() - 0.5)
    return x - slope * np.linspace(-0.5, 0.5, len(x))


def translate(x: np.ndarray, max_translation: int) -> np.ndarray:
    """`x` rotated right by 0 to `max_translation - 1` positions, by none if that is too many."""
    shift = np.random.choice(max_translation)
    return np.roll(x, shift if shift < len(x) else 0, axis=0)


def corr_noise_like(x: np.ndarray, scale: float) -> np.ndarray:
    """Normal noise of `x`'s shape and standard deviation `scale`, then smoothed."""
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(iid_noise_like(x, scale), NOISE_SIGMA)


def iid_noise_like(x: np.ndarray, scale: float) -> np.ndarray:
    """Normal noise of `x`'s shape and standard deviation `scale`."""
    return scale * np.random.randn(*x.shape)


def interpolate(x: np.ndarray, N: int) -> np.ndarray:
    """`x` resampled linearly along its first axis to `N` equidistant points; 2 or more in `x`."""
    points = np.asarray(x, dtype=float)
    if len(points) < 2:
        raise ValueError(f"x has {len(points)} points: between two of them lie those of a line")
    return np.moveaxis(resample(np.moveaxis(points, 0, -1), N), -1, 0)


def transform(
    x: np.ndarray, y: np.ndarray, args: Any, eps: float = EPSILON
) -> tuple[np.ndarray, np.ndarray]:
    """A template `x` (n,) as a random signal, and its positions `y` (n,): both `final_seq_length`.

    `args` has the attributes of `get_dataset_args()`.
    """
    length = args.template_len + args.padding[-1]
    signal = interpolate(pad(x + eps, args.padding), length)
    signal *= 1 + args.scale_coeff * (np.random.rand() - 0.5)
    signal = translate(signal, args.max_translation)
    background = corr_noise_like(signal, args.corr_noise_scale)
    signal = np.where(signal == 0, background, signal)
    signal = signal + iid_noise_like(signal, args.iid_noise_scale)
    signal = shear(signal, args.shear_scale)
    y = interpolate(y, length)
    return interpolate(signal, args.final_seq_length), interpolate(y, args.final_seq_length)


def set_seed(seed: int) -> None:
    """Seed the global generators of Python and NumPy."""
    random.seed(seed)
    np.random.seed(seed)


# --- files and figures ---------------------------------------------------------------------------


def to_pickle(thing: Any, path: str | os.PathLike[str]) -> None:
    """Write `thing` to the file `path`, whole or not at all."""
    with replacing(Path(path)) as temporary, open(temporary, "wb") as file:
        pickle.dump(thing, file, protocol=3)


def from_pickle(path: str | os.PathLike[str]) -> Any:
    """Read numbers, text, containers and arrays from the file `path`.

    Raises ValueError when it holds anything else, is damaged, or is no pickle.
    """
    return read_plain_pickle(path)


def plot_signals(
    xs: np.ndarray,
    t: np.ndarray,
    labels: Any = None,
    args: Any = None,
    ratio: float = 2.6,
    do_transform: bool = False,
    dark_mode: bool = False,
    zoom: float = 1,
) -> "Figure":
    """Show the first ten signals of `xs` side by side, drawn downwards; returns the figure.

    `zoom` is the largest |x| and |t| in view. With `do_transform` each signal is first passed
    through `transform`, which needs `args`.
    """
    import matplotlib.pyplot as plt

    if do_transform and args is None:
        raise ValueError("do_transform=True needs args: pass get_dataset_args()")
    figure, panels = plt.subplots(1, 10, figsize=(15, 1.5 * ratio), dpi=60)
    for i, panel in enumerate(panels):
        x, positions = transform(xs[i], t, args) if do_transform else (xs[i], t)
        panel.plot(x, positions, "wo" if dark_mode else "k-", linewidth=6 if dark_mode else 2)
        panel.set(xlim=(-zoom, zoom), ylim=(zoom, -zoom), xticks=[], yticks=[])
        if dark_mode:
            panel.set_facecolor("k")
        if labels is not None:
            panel.set_title(f"label={labels[i]}", fontsize=22)
    figure.subplots_adjust(wspace=0, hspace=0)
    figure.tight_layout()
    plt.show()
    return figure
