"""Every parameter of the generator: its default, its rule, and the named presets.

Names and defaults of the first twelve are those of the original package (`get_dataset_args`),
described in section 2 of Greydanus & Kobak, "Scaling Down Deep Learning with MNIST-1D" (ICML 2024).
"""

import math
from dataclasses import dataclass, field, fields, replace
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any

import numpy as np

STREAMS = ("frozen", "counter")
NUM_CLASSES = 10


def parameter(default: Any, help: str) -> Any:
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True, kw_only=True)
class SignalParams:
    """Parameters of one dataset, checked when they are set; `fields` tell what each one means.

    Raises ValueError with the offending value, the rule and the fix.

    >>> SignalParams(seed=7).num_train
    4000
    >>> SignalParams(max_translation=0)
    Traceback (most recent call last):
    ...
    ValueError: max_translation=0: must be an integer from 1 to 72 (1: no shift; ...
    """

    num_samples: int = parameter(5000, "rows of all splits together")
    train_split: float = parameter(0.8, "fraction of the examples in train and validation")
    template_len: int = parameter(12, "positions given to the digit in the padded signal")
    padding: tuple[int, int] = parameter((36, 60), "least and greatest number of zeros appended")
    scale_coeff: float = parameter(0.4, "width of the uniform amplitude around 1")
    max_translation: int = parameter(48, "number of shifts: 0 to this minus one positions")
    corr_noise_scale: float = parameter(0.25, "sd of the noise smoothed into the background")
    iid_noise_scale: float = parameter(0.02, "sd of the independent noise added everywhere")
    shear_scale: float = parameter(0.75, "width of the uniform slope around 0")
    shuffle_seq: bool = parameter(False, "permute the positions, the same way in all rows")
    final_seq_length: int = parameter(40, "positions after the final resampling")
    seed: int = parameter(42, "of all random numbers")
    label_noise: float = parameter(0.0, "fraction of train and validation labels replaced")
    validation_size: int = parameter(0, "this many last rows of train become validation")
    stream: str = parameter("frozen", "frozen: the paper's numbers; counter: endless rows")

    def __post_init__(self) -> None:
        def put(name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

        def put_integer(name: str, least: int, most: float = math.inf, why: str = "") -> None:
            put(name, check_integer(name, getattr(self, name), least, most, why))

        put_integer("num_samples", NUM_CLASSES, why="one row per class")
        put_integer("template_len", 1)
        put("padding", check_padding(self.padding))
        if self.padded_length < 2:
            raise ValueError(
                f"template_len={self.template_len} with padding={self.padding}: the padded signal "
                "must have at least 2 positions; raise one of them"
            )
        most = "the most is the padded length, template_len + padding[1]"
        put_integer("max_translation", 1, self.padded_length, f"1: no shift; {most}")
        put_integer("final_seq_length", 1)
        put_integer("seed", 0, 2**32 - 1)
        for name in ("scale_coeff", "corr_noise_scale", "iid_noise_scale", "shear_scale"):
            put(name, check_real(name, getattr(self, name)))
        for name in ("train_split", "label_noise"):
            put(name, check_real(name, getattr(self, name), most=1))
        put("shuffle_seq", check_bool("shuffle_seq", self.shuffle_seq))
        if self.stream not in STREAMS:
            raise ValueError(f"stream={self.stream!r}: must be one of {', '.join(STREAMS)}")
        put_integer("validation_size", 0, self.num_train, "the most is all rows that are not test")

    @property
    def padded_length(self) -> int:
        """Positions after padding and dilation, before the final resampling (72 by default)."""
        return self.template_len + self.padding[1]

    def num_rows(self, num_classes: int = NUM_CLASSES) -> int:
        """Rows in all splits: the frozen stream gives every class the same number of them."""
        if self.stream == "frozen":
            return self.num_samples // num_classes * num_classes
        return self.num_samples

    @property
    def num_train(self) -> int:
        """Rows that are not test (train and validation together), with the ten digit classes."""
        return int(self.num_rows() * self.train_split)


def check_integer(name: str, value: Any, least: int, most: float, why: str = "") -> int:
    integral = isinstance(value, Integral) and not isinstance(value, bool)
    if not integral or not least <= value <= most:
        limits = f"{least} or more" if most == math.inf else f"from {least} to {most}"
        note = f" ({why})" if why else ""
        raise ValueError(f"{name}={value!r}: must be an integer {limits}{note}")
    return int(value)


def check_real(name: str, value: Any, most: float = math.inf) -> float:
    real = isinstance(value, Real) and not isinstance(value, bool)
    if not real or not math.isfinite(value) or not 0 <= value <= most:
        limits = "0 or more" if most == math.inf else f"from 0 to {most}"
        raise ValueError(f"{name}={value!r}: must be a finite number {limits}")
    return float(value)


def check_bool(name: str, value: Any) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name}={value!r}: must be True or False")
    return bool(value)


def check_padding(value: Any) -> tuple[int, int]:
    try:
        low, high = value
        least = check_integer("padding[0]", low, 0, math.inf)
        return least, check_integer("padding[1]", high, least, math.inf)
    except (TypeError, ValueError) as error:
        rule = "two integers (least, greatest) with 0 <= least <= greatest"
        raise ValueError(f"padding={value!r}: must be {rule}") from error


# The presets. "high-translation" lets the digit lie anywhere: 60 is the largest padding.
CONFIGS = MappingProxyType(
    {
        "default": SignalParams(),
        "shuffled": SignalParams(shuffle_seq=True),
        "high-translation": SignalParams(max_translation=60),
    }
)


def config_params(config_name: str, **overrides: Any) -> SignalParams:
    """The parameters of a preset with some of them replaced.

    Raises ValueError for an unknown preset or parameter (the message lists the valid ones).

    >>> config_params("shuffled", seed=7).shuffle_seq
    True
    """
    if config_name not in CONFIGS:
        raise ValueError(f"config {config_name!r}: must be one of {', '.join(CONFIGS)}")
    names = [field.name for field in fields(SignalParams)]
    unknown = sorted(set(overrides) - set(names))
    if unknown:
        raise ValueError(f"unknown parameters {unknown}: the valid ones are {', '.join(names)}")
    return replace(CONFIGS[config_name], **overrides)
