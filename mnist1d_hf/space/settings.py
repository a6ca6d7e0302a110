"""What a visitor may set: limits, steps switched off, and the line that loads the same data."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from mnist1d_hf.signals.params import CONFIGS, SignalParams, changes
from mnist1d_hf.signals.stages import STEPS

# Least, greatest and step of each slider. Within them a picture takes hundredths of a second and a
# download at most five seconds of one processor core; the package itself has no such limits.
LIMITS: dict[str, tuple[float, float, float]] = {
    "num_samples": (10, 100_000, 10),
    "train_split": (0, 1, 0.05),
    "template_len": (1, 60, 1),
    "padding_low": (0, 120, 1),
    "padding_high": (0, 120, 1),
    "scale_coeff": (0, 2, 0.05),
    "max_translation": (1, 132, 1),
    "corr_noise_scale": (0, 1, 0.01),
    "iid_noise_scale": (0, 0.5, 0.01),
    "shear_scale": (0, 3, 0.05),
    "final_seq_length": (2, 200, 1),
    "label_noise": (0, 1, 0.05),
    "validation_size": (0, 100_000, 10),
}


# What the controls are called; the parameters' own names stand beneath.
LABELS = {
    "num_samples": "Number of rows",
    "train_split": "Share of rows to train on",
    "template_len": "Length of the digit",
    "padding_low": "Least padding",
    "padding_high": "Greatest padding",
    "scale_coeff": "Variation of the digit's size",
    "max_translation": "Range of the digit's place",
    "corr_noise_scale": "Amount of correlated noise",
    "iid_noise_scale": "Amount of independent noise",
    "shear_scale": "Variation of the slope",
    "shuffle_seq": "Shuffle the positions",
    "final_seq_length": "Length of a signal",
    "seed": "Seed of the random numbers",
    "label_noise": "Share of random labels",
    "validation_size": "Rows held out for validation",
    "stream": "Source of the random numbers",
}


def params_from(values: Mapping[str, Any]) -> SignalParams:
    """Parameters from what the controls say: numbers may be floats, padding is two of them.

    Raises ValueError for a value beyond its limit, or one that breaks a rule of `SignalParams`.
    """
    chosen = dict(values)
    for name, (least, greatest, step) in LIMITS.items():
        value = chosen[name]
        if not isinstance(value, int | float) or not least <= value <= greatest:
            raise ValueError(f"{name}={value!r}: here it must be from {least} to {greatest}")
        if isinstance(step, int):
            chosen[name] = whole(value)
    chosen["seed"] = whole(chosen["seed"])
    chosen["padding"] = (chosen.pop("padding_low"), chosen.pop("padding_high"))
    return SignalParams(**chosen)


def whole(value: Any) -> Any:
    """Browsers send 42 as 42.0; what is no whole number is left for `SignalParams` to refuse."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def switch_off(params: SignalParams, steps: Collection[str]) -> SignalParams:
    """Parameters without the effect of some of the eight steps, as the authors ablate them.

    Without padding there is nowhere to move the digit and no background for correlated noise.
    Raises ValueError for an unknown step.
    """
    if unknown := set(steps) - set(STEPS):
        raise ValueError(f"unknown steps {sorted(unknown)}: choose of {', '.join(STEPS)}")
    if "pad" in steps:
        room = min(params.max_translation, params.template_len)
        params = replace(params, max_translation=room, padding=(0, 0))
    full = params.padding[1]
    without: dict[str, dict[str, Any]] = {
        "dilate": {"padding": (full, full)},
        "scale": {"scale_coeff": 0.0},
        "translate": {"max_translation": 1},
        "correlated noise": {"corr_noise_scale": 0.0},
        "independent noise": {"iid_noise_scale": 0.0},
        "shear": {"shear_scale": 0.0},
        "resample": {"final_seq_length": params.padded_length},
    }
    for step in without.keys() & set(steps):
        params = replace(params, **without[step])
    return params


def loading_line(params: SignalParams) -> str:
    """Python that loads the dataset of `params`, by the preset that is nearest to it."""
    name, preset = min(CONFIGS.items(), key=lambda item: len(changes(params, item[1])))
    arguments = ['"mnist1d"', f'"{name}"']
    arguments += [
        f"{key}={value!r}".replace("'", '"') for key, value in changes(params, preset).items()
    ]
    return (
        "import mnist1d_hf\nfrom datasets import load_dataset\n\n"
        f"dataset = load_dataset({', '.join(arguments)})"
    )
