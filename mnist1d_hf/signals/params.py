"""Every parameter of the generator: its default, its rule, and the named presets.

Names and defaults of the first twelve are those of the original package (`get_dataset_args`),
described in section 2 of Greydanus & Kobak, "Scaling Down Deep Learning with MNIST-1D" (ICML 2024).
"""

import difflib
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields, replace
from functools import wraps
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any

import numpy as np

STREAMS = ("frozen", "counter")
NUM_CLASSES = 10
MOST_LISTED = 20  # names that an error message lists
SHORTEST_PART, MOST_GUESSED = 3, 3  # letters of a name that suffice to guess it; guesses at most
# The frozen stream is made as a whole, in memory; the counter stream has 64-bit row numbers.
MOST_ROWS = {"frozen": 2**31, "counter": 10**18}
# Largest number of points of a signal, and of the table of a digit at all paddings.
MOST_POINTS = 2**16
MOST_TABLE = 10**8
# Single precision has seven digits: a signal of size 1 is lost when a larger number is added.
LARGEST_SCALE = 1e7


def parameter(default: Any, help: str, rule: str) -> Any:
    """A dataclass field with a help text and a rule for valid values, for pages and --help."""
    return field(default=default, metadata={"help": help, "rule": rule})


def names_its_fields(cls: Any) -> Any:
    """Class decorator: an unknown keyword raises a ValueError that lists the dataclass's fields."""
    init: Callable[..., None] = cls.__init__

    @wraps(init)
    def checked(self: Any, *args: Any, **values: Any) -> None:
        check_names(values, cls)
        init(self, *args, **values)

    cls.__init__ = checked
    return cls


def check_names(names: Iterable[str], cls: Any) -> None:
    """ValueError for the first name that is not a field of the dataclass `cls`."""
    for name in names:
        check_choice("parameter", name, (field.name for field in fields(cls)))


@names_its_fields
@dataclass(frozen=True, kw_only=True)
class SignalParams:
    """All parameters of one dataset, checked on construction; immutable and hashable.

    Each field has a help text and a rule: `dataclasses.fields(SignalParams)[0].metadata["help"]`.
    Sizes are numbers of rows and lengths are numbers of positions. The scales of noise and shear
    are in the units of `templates().x`, before normalisation.

    Raises:
        ValueError: a value breaks its rule; the message names the value, the rule and the fix.

    >>> SignalParams(seed=7).num_train
    4000
    >>> SignalParams(max_translation=0)
    Traceback (most recent call last):
    ...
    ValueError: max_translation=0: must be an integer from 1 to 72 (1: no shift; ...
    """

    num_samples: int = parameter(
        5000,
        "Rows of all splits together.",
        "integer from 10 to 1e18; frozen: a multiple of 10 up to 2**31 (arrays are rounded down)",
    )
    train_split: float = parameter(
        0.8, "Fraction of the rows in train and validation together.", "from 0 to 1"
    )
    template_len: int = parameter(
        12, "Positions of the digit's template before it is padded.", "integer from 1 to 2**16"
    )
    padding: tuple[int, int] = parameter(
        (36, 60),
        "Least and greatest number of zeros appended to a template.",
        "two integers, 0 <= least <= greatest <= 2**16",
    )
    scale_coeff: float = parameter(
        0.4, "Width of the range, around 1, of the random factor on the digit.", "from 0 to 1e7"
    )
    max_translation: int = parameter(
        48,
        "A digit moves by 0 to this minus one positions.",
        "integer from 1 (no shift) to template_len + padding[1]",
    )
    corr_noise_scale: float = parameter(
        0.25, "Standard deviation of the background noise before it is smoothed.", "from 0 to 1e7"
    )
    iid_noise_scale: float = parameter(
        0.02, "Standard deviation of the independent noise at every position.", "from 0 to 1e7"
    )
    shear_scale: float = parameter(
        0.75, "Width of the range, around 0, of the random slope that is added.", "from 0 to 1e7"
    )
    shuffle_seq: bool = parameter(
        False, "Permute the positions, in the same way in all rows.", "true or false"
    )
    final_seq_length: int = parameter(
        40, "Positions of a signal after the final resampling.", "integer from 1 to 2**16"
    )
    seed: int = parameter(42, "Seed of all random numbers.", "integer from 0 to 2**32 - 1")
    label_noise: float = parameter(
        0.0, "Fraction of the train and validation labels that are random.", "from 0 to 1"
    )
    validation_size: int = parameter(
        0,
        "Number of last rows of train that become validation.",
        "integer from 0 to the number of training rows",
    )
    stream: str = parameter(
        "frozen",
        "Source of the random numbers: frozen is the paper's, counter has endless rows.",
        "frozen or counter",
    )

    def __post_init__(self) -> None:
        def put(name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

        def put_integer(name: str, least: int, most: float = math.inf, why: str = "") -> None:
            put(name, check_integer(name, getattr(self, name), least, most, why))

        if self.stream not in STREAMS:
            raise ValueError(f"stream={self.stream!r}: must be one of {', '.join(STREAMS)}")
        put_integer(
            "num_samples", NUM_CLASSES, MOST_ROWS[self.stream], "one row per class at least"
        )
        put_integer("template_len", 1, MOST_POINTS)
        put("padding", check_padding(self.padding))
        if self.padded_length < 2:
            raise ValueError(
                f"template_len={self.template_len} with padding={self.padding}: the padded signal "
                "must have at least 2 positions; raise one of them"
            )
        low, high = self.padding
        if (high - low + 1) * self.padded_length > MOST_TABLE:
            raise ValueError(
                f"template_len={self.template_len} with padding={self.padding}: the number of "
                f"paddings times the padded length must be at most {MOST_TABLE}; lower one of them"
            )
        most = "the most is the padded length, template_len + padding[1]"
        put_integer("max_translation", 1, self.padded_length, f"1: no shift; {most}")
        put_integer("final_seq_length", 1, MOST_POINTS)
        put_integer("seed", 0, 2**32 - 1)
        for name in ("scale_coeff", "corr_noise_scale", "iid_noise_scale", "shear_scale"):
            put(name, check_real(name, getattr(self, name), most=LARGEST_SCALE))
        for name in ("train_split", "label_noise"):
            put(name, check_real(name, getattr(self, name), most=1))
        put("shuffle_seq", check_bool("shuffle_seq", self.shuffle_seq))
        put_integer("validation_size", 0, self.num_train, "the most is all rows that are not test")

    @property
    def padded_length(self) -> int:
        """Positions after padding and dilation, before the final resampling (72 by default)."""
        return self.template_len + self.padding[1]

    def num_rows(self, num_classes: int = NUM_CLASSES) -> int:
        """Number of rows in all splits; the frozen stream has equally many rows in every class."""
        if self.stream == "frozen":
            return self.num_samples // num_classes * num_classes
        return self.num_samples

    @property
    def num_train(self) -> int:
        """Number of rows in train and validation together, with the ten digit classes."""
        return self._num_train(NUM_CLASSES)

    def _num_train(self, num_classes: int) -> int:
        rows = self.num_rows(num_classes)
        # for more rows than a float can count, the product may round upwards
        return min(int(rows * self.train_split), rows)

    def split_sizes(self, num_classes: int = NUM_CLASSES) -> dict[str, int]:
        """Number of rows of train, validation and test; each may be 0.

        Raises ValueError when validation_size exceeds the rows that are not test.

        >>> SignalParams(validation_size=500).split_sizes()
        {'train': 3500, 'validation': 500, 'test': 1000}
        """
        num_train = self._num_train(num_classes)
        if self.validation_size > num_train:  # checked on construction for ten classes only
            raise ValueError(
                f"validation_size={self.validation_size}: must be at most {num_train}, the rows "
                f"that are not test with {num_classes} classes"
            )
        return {
            "train": num_train - self.validation_size,
            "validation": self.validation_size,
            "test": self.num_rows(num_classes) - num_train,
        }


def check_choice(what: str, name: Any, known: Iterable[str]) -> None:
    """ValueError, with the closest valid names, unless `name` is one of the `known` names."""
    names = list(known)
    if name not in names:
        typed = str(name).lower()
        whole = [one for one in names if typed in one.lower()] * (len(typed) >= SHORTEST_PART)
        close = difflib.get_close_matches(typed, names, n=1)
        guessed = whole if 0 < len(whole) <= MOST_GUESSED else close
        guess = f"; did you mean {' or '.join(map(repr, guessed))}?" if guessed else ""
        rule = f"must be one of {', '.join(names)}" if len(names) <= MOST_LISTED else "unknown"
        raise ValueError(f"{what} {name!r}: {rule}{guess}")


def check_integer(name: str, value: Any, least: int, most: float, why: str = "") -> int:
    """`value` as an int; ValueError unless it is an integer from `least` to `most`."""
    integral = isinstance(value, Integral) and not isinstance(value, bool)
    if not integral or not least <= value <= most:
        limits = f"{least} or more" if most == math.inf else f"from {least} to {most}"
        note = f" ({why})" if why else ""
        raise ValueError(f"{name}={value!r}: must be an integer {limits}{note}")
    return int(value)


def check_real(name: str, value: Any, most: float) -> float:
    """`value` as a float; ValueError unless it is a finite number from 0 to `most`."""
    real = isinstance(value, Real) and not isinstance(value, bool)
    if not real or not 0 <= value <= most:  # NaN is not
        raise ValueError(f"{name}={value!r}: must be a finite number from 0 to {most:g}")
    return float(value)


def check_bool(name: str, value: Any) -> bool:
    """`value` as a bool; ValueError for anything else, such as 0 or "false"."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name}={value!r}: must be True or False")
    return bool(value)


def check_padding(value: Any) -> tuple[int, int]:
    """`value` as a pair (least, greatest); ValueError unless it is one."""
    try:
        low, high = value
        least = check_integer("padding[0]", low, 0, MOST_POINTS)
        return least, check_integer("padding[1]", high, least, MOST_POINTS)
    except (TypeError, ValueError) as error:
        rule = f"two integers (least, greatest) with 0 <= least <= greatest <= {MOST_POINTS}"
        raise ValueError(f"padding={value!r}: must be {rule}") from error


# The presets. With "high-translation" the digit may lie anywhere: 60 is the largest padding. With
# "noisy" the best possible classifier has an accuracy of 83 % (see `posterior`).
CONFIGS = MappingProxyType(
    {
        "default": SignalParams(),
        "shuffled": SignalParams(shuffle_seq=True),
        "high-translation": SignalParams(max_translation=60),
        "noisy": SignalParams(iid_noise_scale=0.1),
    }
)


def config_params(config_name: str, **overrides: Any) -> SignalParams:
    """The parameters of a preset, with `overrides` replacing some of them.

    Raises ValueError for an unknown preset or parameter; the message lists the valid names.

    >>> config_params("shuffled", seed=7).shuffle_seq
    True
    """
    check_choice("config", config_name, CONFIGS)
    return replace(CONFIGS[config_name], **overrides)


def changes(params: SignalParams, preset: SignalParams | None = None) -> dict[str, Any]:
    """The parameters whose values differ from those of `preset`, by default the config default.

    >>> changes(CONFIGS["noisy"])
    {'iid_noise_scale': 0.1}
    """
    other = SignalParams() if preset is None else preset
    return {name: value for name, value in vars(params).items() if value != getattr(other, name)}
