import dataclasses
import inspect
import math
import re

import numpy as np
import pytest
from mnist1d.data import get_dataset_args

from mnist1d_hf.signals.params import CONFIGS, SignalParams, config_params

ORIGINAL = get_dataset_args(as_dict=True)

# parameters, and what the message must say of them
BAD = [
    (
        {"num_samples": 9},
        "num_samples=9: must be an integer from 10 to 2147483648 (one row per class at least)",
    ),
    ({"num_samples": 5000.0}, "num_samples=5000.0: must be an integer"),
    ({"num_samples": "5000"}, "num_samples='5000': must be an integer"),
    ({"num_samples": True}, "num_samples=True: must be an integer"),
    ({"template_len": 0}, "template_len=0: must be an integer from 1 to 65536"),
    ({"padding": (60, 36)}, "padding=(60, 36): must be two integers (least, greatest)"),
    ({"padding": (-1, 3)}, "padding=(-1, 3): must be two integers"),
    ({"padding": (36.0, 60)}, "padding=(36.0, 60): must be two integers"),
    ({"padding": (1, 2, 3)}, "padding=(1, 2, 3): must be two integers"),
    ({"padding": 36}, "padding=36: must be two integers"),
    ({"padding": None}, "padding=None: must be two integers"),
    ({"template_len": 1, "padding": (0, 0)}, "must have at least 2 positions"),
    ({"max_translation": 0}, "max_translation=0: must be an integer from 1 to 72 (1: no shift"),
    ({"max_translation": 73}, "max_translation=73: must be an integer from 1 to 72"),
    ({"max_translation": 40, "padding": (0, 20)}, "max_translation=40: must be an integer from 1"),
    ({"final_seq_length": 0}, "final_seq_length=0: must be an integer from 1 to 65536"),
    ({"num_samples": 1e30}, "num_samples=1e+30: must be an integer"),
    ({"num_samples": 10**30}, "must be an integer from 10 to 2147483648"),
    (
        {"num_samples": 10**18 + 1, "stream": "counter"},
        "must be an integer from 10 to 1000000000000000000",
    ),
    (
        {"final_seq_length": 2**31},
        "final_seq_length=2147483648: must be an integer from 1 to 65536",
    ),
    ({"template_len": 10**30}, "must be an integer from 1 to 65536"),
    ({"padding": (0, 10**30)}, "must be two integers (least, greatest)"),
    ({"padding": (0, 20_000)}, "number of paddings times the padded length must be at most"),
    ({"seed": 2**70}, "seed=1180591620717411303424: must be an integer from 0 to 4294967295"),
    ({"seed": -1}, "seed=-1: must be an integer from 0 to 4294967295"),
    ({"seed": 2**32}, "seed=4294967296: must be an integer from 0 to 4294967295"),
    ({"seed": None}, "seed=None: must be an integer"),
    *(
        ({name: value}, f"{name}={value!r}: must be a finite number from 0 to 1e+07")
        for name in ("scale_coeff", "corr_noise_scale", "iid_noise_scale", "shear_scale")
        for value in (-0.1, math.nan, math.inf, 1e39, 10**400, "0.1", None, True)
    ),
    *(
        ({name: value}, f"{name}={value!r}: must be a finite number from 0 to 1")
        for name in ("train_split", "label_noise")
        for value in (-0.1, 1.1, math.nan, math.inf, 10**400, "0.1", False)
    ),
    ({"shuffle_seq": 1}, "shuffle_seq=1: must be True or False"),
    ({"shuffle_seq": "yes"}, "shuffle_seq='yes': must be True or False"),
    ({"stream": "philox"}, "stream='philox': must be one of frozen, counter"),
    ({"stream": None}, "stream=None: must be one of frozen, counter"),
    ({"validation_size": -1}, "validation_size=-1: must be an integer from 0 to 4000"),
    ({"validation_size": 4001}, "validation_size=4001: must be an integer from 0 to 4000"),
    (
        {"num_samples": 19, "validation_size": 9},
        "validation_size=9: must be an integer from 0 to 8",
    ),
]


@pytest.mark.parametrize(("bad", "message"), BAD, ids=[str(bad) for bad, _ in BAD])
def test_a_bad_value_is_refused_with_its_rule(bad, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        SignalParams(**bad)


def test_defaults_are_those_of_the_original():
    ours = {k: v for k, v in vars(SignalParams()).items() if k in ORIGINAL}
    assert ours == {**{k: v for k, v in ORIGINAL.items() if k != "url"}, "padding": (36, 60)}


def test_presets_differ_from_the_default_in_one_parameter():
    changes = {
        name: {k: v for k, v in vars(params).items() if v != vars(SignalParams())[k]}
        for name, params in CONFIGS.items()
    }
    assert changes == {
        "default": {},
        "shuffled": {"shuffle_seq": True},
        "high-translation": {"max_translation": 60},
        "noisy": {"iid_noise_scale": 0.1},
    }


def test_equal_parameters_are_equal_however_spelt():
    spelt = SignalParams(
        num_samples=np.int64(5000),
        padding=[np.int32(36), 60],
        scale_coeff=np.float64(0.4),
        shuffle_seq=np.bool_(False),
        train_split=0.8,
    )
    assert spelt == SignalParams() and hash(spelt) == hash(SignalParams())
    assert {type(v) for v in vars(spelt).values()} == {int, float, bool, str, tuple}


def test_parameters_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        SignalParams().seed = 7


@pytest.mark.parametrize("stream, num_rows", [("frozen", 5990), ("counter", 5999)])
def test_only_the_frozen_stream_drops_rows_to_balance_classes(stream, num_rows):
    params = SignalParams(num_samples=5999, train_split=0.75, stream=stream)
    assert params.num_rows() == num_rows
    assert params.num_train == int(0.75 * num_rows)


@pytest.mark.parametrize(
    "share, num_train", [(0, 0), (1, 5000), (0.1, 500), (0.29, 1450), (0.57, 2849)]
)
def test_the_split_rounds_as_the_original_does(share, num_train):
    assert int(5000 * share) == num_train == SignalParams(train_split=share).num_train


def test_config_params_replaces_values_of_a_preset():
    assert config_params("shuffled", seed=7) == SignalParams(shuffle_seq=True, seed=7)
    with pytest.raises(ValueError, match="config 'mnist': must be one of default, shuffled, high"):
        config_params("mnist")
    with pytest.raises(ValueError, match="parameter 'sed': .*stream; did you mean 'seed'"):
        config_params("default", sed=7)


def test_the_sizes_of_the_splits_add_up():
    params = SignalParams(num_samples=5999, validation_size=100)
    assert params.split_sizes() == {"train": 4692, "validation": 100, "test": 1198}
    assert sum(params.split_sizes(7).values()) == params.num_rows(7) == 5999
    with pytest.raises(ValueError, match="validation_size=8: must be at most 5, .* with 7 classes"):
        SignalParams(num_samples=10, validation_size=8).split_sizes(7)


@pytest.mark.parametrize("rows", [2**53 + 1, 2**53 + 3, 10**18 - 1, 10**18])
def test_more_rows_than_a_float_has_digits_are_shared_out_exactly(rows):
    params = SignalParams(num_samples=rows, train_split=1, stream="counter")
    sizes = params.split_sizes()
    assert sum(sizes.values()) == rows and min(sizes.values()) >= 0


def test_an_unknown_name_is_answered_with_the_closest_and_all():
    names = ", ".join(vars(SignalParams()))
    with pytest.raises(ValueError) as caught:
        SignalParams(iid_nois_scale=1, seed=7)
    assert str(caught.value) == (
        f"parameter 'iid_nois_scale': must be one of {names}; did you mean 'iid_noise_scale'?"
    )
    with pytest.raises(
        ValueError, match="'corr_noise_scale' or 'iid_noise_scale' or 'label_noise'"
    ):
        SignalParams(nois=1)
    with pytest.raises(ValueError, match="did you mean 'seed'"):
        SignalParams(SEED=1)
    with pytest.raises(ValueError, match="parameter 'zz': must be one of num_samples, .*stream$"):
        SignalParams(zz=2)
    with pytest.raises(ValueError, match="did you mean 'seed'"):
        dataclasses.replace(SignalParams(), sed=7)
    assert list(inspect.signature(SignalParams).parameters) == names.split(", ")


def test_every_parameter_has_its_rule_in_words():
    assert all(field.metadata["rule"] for field in dataclasses.fields(SignalParams))
