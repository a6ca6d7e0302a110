"""The promises of identity hold here, and a broken one is noticed."""

import random

import numpy as np

from mnist1d_hf import CONFIGS, SignalParams, make_mnist1d
from mnist1d_hf.data import identity
from mnist1d_hf.data.identity import (
    check_identity,
    compare_with_original,
    config_of_test_rows,
    digest,
)

SMALL = SignalParams(num_samples=50)


def test_every_promise_holds():
    checks = check_identity()
    assert len(checks) == len(CONFIGS) * (5 + 1)
    assert [check for check in checks if check.holds is not True] == []


def test_comparing_leaves_the_global_random_state_alone():
    np.random.seed(1)
    random.seed(1)
    expected = np.random.RandomState(1).rand(), random.Random(1).random()
    assert compare_with_original("small", SMALL, make_mnist1d(SMALL)).holds
    assert (np.random.rand(), random.random()) == expected


def test_one_changed_bit_breaks_the_comparison_with_the_original():
    data = make_mnist1d(SMALL)
    data.x_train[17, 3] = np.nextafter(data.x_train[17, 3], np.inf)
    check = compare_with_original("small", SMALL, data)
    assert (check.holds, check.detail) == (False, "differs in x")


def test_without_the_original_only_the_digests_are_checked(monkeypatch):
    def altered(params):
        data = make_mnist1d(params)
        data.x_test[0, 0] += 1e-6
        return data

    monkeypatch.setattr(identity.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(identity, "make_mnist1d", altered)
    holds = {check.what: check.holds for check in check_identity()}
    assert holds["default float64, PyPI mnist1d"] is None
    assert [what for what, held in holds.items() if held is False] == [
        f"{name} x_test float32" for name in CONFIGS
    ]


def test_digest_does_not_depend_on_memory_layout_or_byte_order():
    x = np.arange(6, dtype=np.float64).reshape(2, 3)
    assert digest(x) == digest(np.asfortranarray(x)) == digest(x.astype(">f4"))
    assert digest(x) != digest(x.astype(np.int64))


def test_test_rows_are_known_by_their_values_alone():
    for config_name, params in CONFIGS.items():
        data = make_mnist1d(params)
        x = data.x_test.astype(np.float32)
        assert config_of_test_rows(x, data.y_test) == config_name
        assert config_of_test_rows(x[1:], data.y_test[1:]) is None
        assert config_of_test_rows(x, (data.y_test + 1) % 10) is None
        assert config_of_test_rows(data.x_train, data.y_train) is None
