"""The metalearned weight decay: an exact gradient, plain training, and the rules."""

import dataclasses
import math

import pytest
import torch

from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.studies import metalearn_decay as study
from mnist1d_hf.studies.rules import metalearn_decay as rules


def test_it_runs_and_is_drawn(tmp_path):
    result = study.run(study.Args.at("smoke"), Cells(tmp_path, quiet=True))
    assert [len(one["decay"]) for one in result["searches"]] == [2, 2]
    assert all(one["without"] > 0 and len(one["loss"]) == 5 for one in result["grids"])
    assert [finding.id for finding in result["findings"]] == ["M7", "M7-gain"]
    assert len(study.plot(result).axes) == 2


def test_the_gradient_is_the_slope_of_the_objective():
    weights, *data = study.setting(1, 500, 6)
    fixed = (
        [w.double() for w in weights],
        *(d.double() if d.is_floating_point() else d for d in data),
    )
    log_decay, step = torch.tensor(-3.0, dtype=torch.float64), 1e-5
    gradient, _ = torch.func.grad_and_value(study.objective)(log_decay, *fixed)
    above, below = (study.objective(log_decay + s, *fixed) for s in (step, -step))
    assert gradient.item() == pytest.approx((above - below).item() / (2 * step), rel=1e-5)


def test_training_is_sgd_with_the_weight_decay_of_torch():
    weights, x, labels, held, y = study.setting(0, 100, 5)
    model = torch.nn.Sequential(torch.nn.Linear(40, 50), torch.nn.Tanh(), torch.nn.Linear(50, 10))
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), weights, strict=True):
            parameter.copy_(value)
    optimizer = torch.optim.SGD(model.parameters(), lr=study.RATE, weight_decay=0.02)
    for batch, wanted in zip(x, labels, strict=True):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(batch), wanted).backward()
        optimizer.step()
    ended = torch.nn.functional.cross_entropy(model(held), y)
    ours = study.objective(torch.tensor(math.log(0.02)), weights, x, labels, held, y)
    assert ours.item() == pytest.approx(ended.item(), rel=1e-5)


def result_of(ends):
    grids = [{"loss": [1.2, 1.0, None], "without": 1.3, "best": 0.01}] * 3
    searches = [{"loss": [[2.0, end] for end in ends], "decay": [[0.1, 0.01]] * 2}] * 3
    return {"starts": [0.001, 0.1], "grids": grids, "searches": searches}


@pytest.mark.parametrize(
    ("ends", "verdicts", "share"),
    [
        ((1.005, 0.99), ["reproduced", "reproduced"], 1),
        ((1.005, None), ["partly", "reproduced"], 0),
        ((1.4, 1.5), ["refuted", "refuted"], 0),
    ],
)
def test_searches_are_compared_with_the_grid_and_with_no_weight_decay(ends, verdicts, share):
    findings = rules.judge(result_of(ends))
    assert [finding.verdict for finding in findings] == verdicts
    assert findings[0].estimate == share and findings[0].n == 3
    # of none or all of three, by Clopper and Pearson
    wanted = (0.2924, 1) if share else (0, 0.7076)
    assert findings[0].interval == pytest.approx(wanted, abs=1e-4)


def test_the_weakest_start_is_the_one_that_is_shown():
    [finding, _] = rules.judge(result_of((1.005, None)))
    assert "from 0.1, the weakest start" in finding.quantity


@pytest.mark.parametrize(
    ("name", "value"), [("train_rows", 510), ("problems", 1), ("starts", (0.0,))]
)
def test_bad_arguments_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name}="):
        dataclasses.replace(study.Args(), **{name: value})
