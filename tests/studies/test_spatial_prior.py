"""Networks between a perceptron and a convolution: what each sees, and the rules."""

import dataclasses
import warnings

import numpy as np
import pytest
import torch

from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.evidence.results import summarise
from mnist1d_hf.models import new_model
from mnist1d_hf.signals.generate import make_mnist1d
from mnist1d_hf.studies import spatial_prior as study
from mnist1d_hf.studies.rules import spatial_prior as rules


def test_it_runs_and_is_drawn(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = study.run(study.Args.at("smoke"), Cells(tmp_path, quiet=True))
        assert len(study.plot(result).axes) == 1
    assert list(result["table"]) == ["mlp", "window", "unshared", "cnn"]
    for found in result["table"].values():
        assert len(found["plain"]["runs"]) == found["shuffled"]["test"]["n"] == 2
    assert {finding.id for finding in result["findings"]} == {"L-i", "L-i-shuffled"}


def test_with_the_same_weights_at_every_position_it_is_the_papers_cnn():
    cnn, network = new_model("cnn", 0), study.Unshared()
    with torch.no_grad():
        for conv, weight, bias in zip(cnn.convs, network.weights, network.biases, strict=True):
            weight.copy_(conv.weight.flatten(1).T.expand_as(weight))
            bias.copy_(conv.bias.expand_as(bias))
        network.classifier.load_state_dict(cnn.classifier.state_dict())
    x = torch.randn(3, 40)
    assert torch.allclose(network.logits(x), cnn.logits(x), atol=1e-5)
    assert [len(weight) for weight in network.weights] == [19, 10, 5]


def test_a_window_is_what_a_unit_sees():
    mask = study.windows(100, 10)
    assert mask.shape == (100, 40) and (mask.sum(1) == 10).all()
    assert (mask.sum(0) > 0).all()  # every point is seen
    assert all((np.diff(np.flatnonzero(row)) == 1).all() for row in mask)
    assert (study.windows(100, 40) == 1).all()


def test_the_first_run_has_the_frozen_data_and_others_have_their_own():
    data = make_mnist1d()
    plain, shuffled, other = (
        study.split(0, "plain"),
        study.split(0, "shuffled"),
        study.split(1, "plain"),
    )
    assert np.allclose(plain[0], data.x_train) and not torch.equal(plain[0], other[0])
    assert not torch.equal(plain[0], shuffled[0])
    assert torch.equal(plain[0].sort(1)[0], shuffled[0].sort(1)[0])


def result_of(plain, shuffled):
    def found(mean):
        runs = [mean - 0.3, mean, mean + 0.3]
        return {"test": summarise(runs), "runs": runs}

    rows = zip(study.NETWORKS, plain, shuffled, strict=True)
    return {"table": {n: {"plain": found(p), "shuffled": found(s)} for n, p, s in rows}}


@pytest.mark.parametrize(
    ("plain", "verdict"),
    [
        ((65, 72, 80, 94), "reproduced"),
        ((65, 72, 71, 94), "partly"),
        ((94, 80, 72, 65), "refuted"),
    ],
)
def test_every_step_must_gain(plain, verdict):
    finding, loss = rules.judge(result_of(plain, (64, 64, 64, 64)))
    assert finding.verdict == verdict
    assert loss.verdict == {"partly": "refuted"}.get(verdict, verdict)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="networks 'rnn': must be one of mlp, window"):
        study.Args(networks=("rnn",))
    with pytest.raises(ValueError, match="window=41: from 1 to 40"):
        dataclasses.replace(study.Args(), window=41)
