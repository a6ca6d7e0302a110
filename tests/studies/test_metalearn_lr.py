"""The metalearned learning rate: the unrolled gradient is exact and the notebook is reproduced."""

import sys

import pytest
import torch

from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.evidence.results import read_result
from mnist1d_hf.studies import metalearn_lr as study
from mnist1d_hf.studies.command import command
from mnist1d_hf.studies.rules import metalearn_lr as rules


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    cells = Cells(tmp_path_factory.mktemp("cells"), quiet=True)
    return study.run(study.Args.at("smoke"), cells)


def test_the_first_printed_step_of_both_trials_is_reproduced(result):
    errors = rules.relative_errors(result["published"])
    assert errors.shape == (1, 6)  # step 3: two losses and a rate, twice
    assert errors.max() < 1e-3


def test_the_gradient_is_the_slope_of_the_objective():
    with torch.random.fork_rng():
        weights = [w.double() for w in study.initial_weights(3, 6)]
    x, labels = study.batches(8, 50, 100)
    problem = weights, x.double(), labels
    rate, step = torch.tensor(0.7, dtype=torch.float64), 1e-6
    gradient, _ = torch.func.grad_and_value(study.objective, has_aux=True)(rate, *problem)
    above, below = (study.objective(rate + s, *problem)[0] for s in (step, -step))
    assert gradient.item() == pytest.approx((above - below).item() / (2 * step), rel=1e-6)


def test_training_equals_a_plain_loop_of_sgd():
    weights = study.initial_weights(0, 50)
    x, labels = study.batches(5, 50, 0)
    losses = study.training_losses(torch.tensor(0.5), weights, x, labels)
    model = torch.nn.Sequential(torch.nn.Linear(40, 50), torch.nn.Tanh(), torch.nn.Linear(50, 10))
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), weights, strict=True):
            parameter.copy_(value)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for step in range(5):
        loss = torch.nn.functional.cross_entropy(model(x[step]), labels[step])
        assert losses[step].item() == pytest.approx(loss.item(), rel=1e-5)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def test_data_orders_are_rotations_of_the_rows():
    x, labels = study.batches(80, 50, 0)  # the 4000 rows, once
    rolled, rolled_labels = study.batches(80, 50, 1000)
    assert torch.equal(rolled[0], x[20])
    assert torch.equal(rolled_labels.flatten(), labels.flatten().roll(-1000))


def test_the_grid_finds_the_published_optimum(result):
    assert result["best_on_grid"][0]["best"] == pytest.approx(0.625, abs=0.02)


def test_a_diverged_search_is_told_apart(result):
    ends = {end["start"]: end["end"] for end in result["ends"]}
    assert ends[5.0] is None
    assert 0.4 < ends[0.15] < 0.6
    verdicts = {finding.id: finding.verdict for finding in result["findings"]}
    assert verdicts["M1-trace"] == "reproduced"
    assert verdicts["M1-regardless"] == "refuted"  # after four steps nothing has arrived


def test_the_global_generator_is_left_alone():
    state = torch.get_rng_state()
    study.initial_weights(7, 50)
    assert torch.equal(torch.get_rng_state(), state)


def test_fewer_steps_than_the_notebook_prints_are_refused(result):
    short = {name: [trial[:2] for trial in v] for name, v in result["published"].items()}
    with pytest.raises(ValueError, match="at least 4 outer steps"):
        rules.relative_errors(short)


def test_the_command_writes_result_and_figure(tmp_path, monkeypatch, capsys, result):
    def run(args, cells):
        assert (args.outer_steps, args.rates) == (7, (0.5, 2.0))
        assert args.init_seeds == (0,)  # from the smoke scale
        return result

    monkeypatch.setattr(sys, "argv", ["x", "--out", str(tmp_path), "--outer-steps", "7"])
    sys.argv += ["--rates", "0.5", "--rates", "2.0"]
    command(study.Args, run, study.plot)(standalone_mode=False)
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    name = "test_metalearn_lr"  # a study is named after the file of its run
    assert written == {f"results/{name}.json", f"figures/{name}.png"}
    back = read_result(tmp_path / "results" / f"{name}.json")
    assert back["args"]["outer_steps"] == 7
    assert "published" in back and back["findings"] == []  # a smoke run is too small to judge
    assert f"figures/{name}.png" in capsys.readouterr().out
