"""The two protocols of the benchmark: one arithmetic, and what they may look at."""

import numpy as np
import pytest
import torch

from mnist1d_hf.signals.generate import make_mnist1d
from mnist1d_hf.training import protocols

SHORT = {"updates": 41, "evaluate_every": 10}


@pytest.mark.parametrize("protocol", ["last_step", "validation"])
def test_networks_trained_together_equal_one_trained_alone(protocol):
    cell = {"model": "mlp", "config": "default", "protocol": protocol, **SHORT}
    _, together = protocols.train_seeds(**cell, seeds=[0, 1])
    alone = protocols.train(**cell, recipe="paper", seed=1)
    assert together["curves"].keys() == alone["curves"].keys()
    for name, curve in alone["curves"].items():
        np.testing.assert_allclose(together["curves"][name], curve, atol=0.5)
    assert together["accuracy"] == pytest.approx(alone["accuracy"], abs=0.5)
    if protocol == "last_step":  # else the networks are not those of the chosen step
        pairs = zip(together["predicted"], alone["predicted"], strict=True)
        assert sum(a != b for a, b in pairs) <= 10
    else:
        assert together["predicted"] is None and len(alone["predicted"]) == 1000


def test_networks_with_data_of_their_own_equal_one_trained_alone():
    cell = {"model": "mlp", "config": "shuffled", "protocol": "last_step", **SHORT}
    _, together = protocols.train_seeds(**cell, seeds=[0, 1], data_seeds=[1000, 1001])
    alone = protocols.train(**cell, recipe="paper", seed=1, data_seed=1001)
    for name, curve in alone["curves"].items():
        np.testing.assert_allclose(together["curves"][name], curve, atol=0.5)
    pairs = zip(together["predicted"], alone["predicted"], strict=True)
    assert sum(a != b for a, b in pairs) <= 10
    frozen = protocols.train(**cell, recipe="paper", seed=1)
    assert frozen["curves"]["train"] != alone["curves"]["train"]


def test_the_original_protocol_reports_the_last_update():
    cell = {"model": "logistic", "config": "default", "protocol": "last_step", **SHORT}
    found = protocols.train(**cell, recipe="paper", seed=0)
    assert found["update"] == 41 and found["accuracy"] == found["curves"]["test"][-1]
    assert sum(found["errors"]) == pytest.approx(10 * (100 - found["accuracy"]))
    wrong = np.array(list(found["predicted"]), dtype=int) != make_mnist1d().y_test
    assert sum(wrong) == sum(found["errors"])
    assert len(found["curves"]["train"]) == 5


def test_our_protocol_selects_on_validation_and_keeps_test_out_of_the_curves(monkeypatch):
    cell = {"model": "logistic", "config": "default", "protocol": "validation", **SHORT}
    found = protocols.train(**cell, recipe="plain", seed=0)
    validation = found["curves"]["validation"]
    assert found["curves"].keys() == {"train", "validation"}
    assert found["update"] == [10, 20, 30, 40, 41][int(np.argmax(validation))]
    splits = protocols.load("default", "validation")
    data = make_mnist1d()
    assert [len(labels) for _, labels in splits.values()] == [3500, 500, 1000]
    assert torch.equal(splits["validation"][1], torch.tensor(data.y_train[3500:]))

    shifted = dict(splits, test=(splits["test"][0], (splits["test"][1] + 1) % 10))
    monkeypatch.setattr(protocols, "load", lambda *_: dict(shifted))
    other = protocols.train(**cell, recipe="plain", seed=0)  # other test labels, the same choice
    assert (other["update"], other["curves"]) == (found["update"], found["curves"])
    assert other["accuracy"] != found["accuracy"]


def test_logistic_regression_repeats_the_log_of_2020():
    """test_acc at step 1000 of building-mnist1d.ipynb, whose seed is 42: after 1001 updates."""
    cell = {"model": "logistic", "config": "default", "protocol": "last_step"}
    found = protocols.train(**cell, recipe="paper", seed=42, updates=1001, evaluate_every=1001)
    assert found["accuracy"] == pytest.approx(32.4, abs=0.11)


@pytest.mark.parametrize(
    ("config", "protocol"), [("defualt", "validation"), ("default", "validatoin")]
)
def test_an_unknown_config_or_protocol_is_refused(config, protocol):
    with pytest.raises(ValueError, match="(config|protocol) '.*': must be one of"):
        protocols.load(config, protocol)
