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
    findings = {finding.id: finding for finding in result["findings"]}
    assert findings["M1-trace"].verdict == "reproduced"
    # after four steps nothing has arrived, but two searches from a start are few
    assert findings["M1-regardless"].verdict == "not supported"
    assert findings["M1-regardless"].superseded.verdict == "refuted"


@pytest.mark.parametrize(
    ("best", "verdict", "first"),
    [
        ([0.61, 0.62, 0.63, 0.62], "reproduced", "reproduced"),
        ([0.55, 0.70, 0.56, 0.69], "not supported", "reproduced"),
        ([0.62], "not supported", "reproduced"),
        ([0.70, 0.71, 0.72, 0.71], "refuted", "refuted"),
    ],
)
def test_the_optimum_is_judged_by_the_interval_of_its_mean(best, verdict, first):
    finding = rules.judge_optimum(best)
    assert (finding.verdict, finding.superseded.verdict) == (verdict, first)
    assert finding.estimate == pytest.approx(sum(best) / len(best)) and finding.n == len(best)
    assert (finding.interval is None) == (len(best) == 1)


def test_data_orders_of_the_same_weights_count_once():
    best = {(0, 0): 0.6, (0, 1000): 0.62, (1, 0): 0.64, (1, 1000): 0.66}
    ends = [
        {"start": start, "end": 0.6, "best": value, "init_seed": seed, "roll": roll}
        for start in (0.1, 2.0)
        for (seed, roll), value in best.items()
    ]
    assert rules.by_weights(ends) == pytest.approx([0.61, 0.65])


@pytest.mark.parametrize(
    ("ends", "verdict", "share"),
    [
        ({0.1: [0.6] * 6, 2.0: [0.6, 0.65] * 3}, ("reproduced", "reproduced"), 1),
        ({0.1: [0.6] * 6, 2.0: [0.6, None] * 3}, ("not supported", "partly"), 0.5),
        ({0.1: [0.6] * 6, 2.0: [None] * 6}, ("refuted", "partly"), 0),
        ({0.1: [0.6, 0.9] * 3, 2.0: [None] * 6}, ("refuted", "refuted"), 0),
    ],
)
def test_the_start_from_which_fewest_searches_arrive_decides(result, ends, verdict, share):
    found = [
        {"start": start, "end": end, "best": 0.62, "init_seed": seed, "roll": 0}
        for start, each in ends.items()
        for seed, end in enumerate(each)
    ]
    finding = rules.judge({**result, "ends": found})[2]
    assert (finding.verdict, finding.superseded.verdict) == verdict
    assert (finding.estimate, finding.n) == (share, 6)
    low, high = finding.interval
    assert low <= share <= high and high - low > 0.4  # six searches say little
    if share < 1:
        assert "from 2, the weakest start" in finding.quantity


def test_printed_values_have_no_interval(result):
    finding = result["findings"][0]
    assert finding.interval is None and "there is no interval" in finding.rule
    assert finding.estimate == rules.relative_errors(result["published"]).max()


def test_the_global_generator_is_left_alone():
    state = torch.get_rng_state()
    study.initial_weights(7, 50)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_grid_that_is_too_small_for_a_parabola_is_refused():
    with pytest.raises(ValueError, match="grid_size=4: must be an integer 5 or more"):
        study.Args(grid_size=4)


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
