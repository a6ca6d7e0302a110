"""The lottery-ticket study: the seeded procedure of 2020, its counts and its verdicts."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.evidence.results import read_result
from mnist1d_hf.figures.style import save
from mnist1d_hf.studies import lottery_tickets as study
from mnist1d_hf.studies.rules import lottery_tickets as rules
from mnist1d_hf.studies.rules import ticket_transfer as transfer
from mnist1d_hf.training.pruning import PrunedMLP, initial_layers, prune, random_scores, train


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    cells = Cells(tmp_path_factory.mktemp("cells"), quiet=True)
    return study.run(study.Args.at("smoke"), cells)


def test_the_seeded_run_of_2020_comes_out_where_chaos_is_weak():
    scores = list(itertools.islice(random_scores(42), 99))[98]
    masks = [prune(score, np.linspace(0, 1, 100)[98]) for score in scores]
    data = study.load(42, np.arange(40))
    history = train(PrunedMLP(initial_layers(42), masks), *data, steps=1501)
    accuracy = history.test_accuracy
    assert len(accuracy) == 16
    printed = accuracy[-1], max(accuracy), np.mean(accuracy)
    assert printed == pytest.approx((20.0, 20.5, 19.4), abs=0.35)
    assert history.train_loss == pytest.approx(2.151, abs=0.01)


def test_a_search_ends_with_nothing_left(result):
    for found in result["search"].values():
        assert found["last"][0][-1] == 10.2  # every signal called the same class
        assert found["train_loss"][0][-1] == pytest.approx(np.log(10), abs=1e-4)
    lottery, random = (result["search"][pruning]["last"][0] for pruning in study.PRUNINGS)
    assert lottery[0] == random[0]  # nothing pruned yet, the same seed
    assert lottery[5] != random[5]


def test_every_network_is_transferred_to_every_variant(result):
    assert list(result["transfer"]) == ["fresh", "shuffled", "new_weights"]
    runs = [run for found in result["transfer"].values() for run in found.values()]
    assert np.shape(runs) == (9, 1, 1)
    assert len({run[0][0] for run in runs}) == 9


def test_the_figure_shows_what_ran(result, tmp_path):
    drawn = {name: plot(result) for name, plot in study.main.plots.items()}
    titles = [axis.get_title() for axis in drawn["lottery_tickets"].axes]
    assert titles == ["Final test loss", "Final test accuracy", "Best test accuracy"]
    shown = {axis.get_title(): bool(axis.texts) for axis in drawn["lottery_tickets_transfer"].axes}
    assert [name for name, not_run in shown.items() if not_run] == ["Flipped", "Rotated by 20"]
    assert all(axis.texts for axis in drawn["lottery_tickets_chunks"].axes)
    for name, figure in drawn.items():
        assert save(figure, tmp_path / name).stat().st_size > 10_000


def test_columns_are_permuted_as_named():
    orders = {name: make() for name, make in study.COLUMNS.items()}
    assert all(sorted(order) == list(range(40)) for order in orders.values())
    # RandomState(0).permutation(40), the notebook's
    assert orders["shuffled"][:5].tolist() == [22, 20, 25, 4, 10]
    assert orders["rotated_20"][:2].tolist() == [20, 21]
    for size in (10, 5, 2):
        neighbours = (np.diff(orders[f"chunks_{size}"]) == 1).sum()
        assert neighbours == 40 - 40 // size  # those inside the chunks, no others


def published(generation):
    """A result made of the published numbers of 2020, seeded, or of 2024."""
    transfer = {
        variant: {
            name: [[value], [value + 0.1]]
            for name, value in zip(study.NETWORKS, values, strict=True)
        }
        for variant, values in rules.PUBLISHED[f"transfer_{generation}"].items()
    }
    dense, lottery, random = rules.PUBLISHED["search"]["95"]
    found = {
        "share": [0.0086, 0.00215, 0.0003],
        "error": [0.0011, 0.0007, 0.0001],
        "at random": [0.0064, 0.0005, 0.00004],
        "within units": [0.0063, 0.0005, 0.00004],
    }
    search = {
        "lottery": {"last": [[dense, 71.0, 73.5, lottery, 10.2]] * 2, "adjacency": [found] * 2},
        "random": {"last": [[dense, 67.0, 62.0, random, 10.2]] * 2, "adjacency": [found] * 2},
    }
    found = {"sparsity": [0, 0.8, 0.92, 0.96, 1], "search": search, "transfer": transfer}
    return {**found, "permuted": by_chance([0.001, 0.001, 0.5])}


def by_chance(p):
    """What a permutation test found, pairs 12 % beyond chance."""
    drawn = {"draws": 2000, "share": [0.0112, 0.0205, 0.01], "mean": [0.01, 0.02, 0.01]}
    return {**drawn, "std": [0.001] * 3, "p": p}


@pytest.mark.parametrize(
    ("generation", "verdicts"),
    [
        (2020, ["partly", "reproduced", "reproduced", "reproduced", "reproduced", "reproduced"]),
        (2024, ["partly", "reproduced", "partly", "refuted", "reproduced", "reproduced"]),
    ],
)
def test_the_seed_decided_some_published_claims(generation, verdicts):
    findings = {finding.id: finding for finding in rules.judge(published(generation))}
    assert [findings[f"L-{letter}"].verdict for letter in "abcdef"] == verdicts
    first = [findings[f"L-{letter}"].superseded.verdict for letter in "abcdef"]
    assert first == verdicts


def test_every_claim_has_a_verdict(result):
    ids = {finding.id for finding in result["findings"]}
    first = {"L-a", "L-b", "L-c", "L-e", "L-f", "L-g", "L-h"}  # L-d needs flipped data
    assert ids == first | {f"{id}-data" for id in first}


def test_trials_on_other_data_have_rows_of_their_own(result):
    other = result["other_data"]
    for pruning in study.PRUNINGS:
        assert other["search"][pruning]["last"] != result["search"][pruning]["last"]
    assert list(other["transfer"]) == ["fresh", "shuffled", "new_weights"]
    assert other["transfer"]["fresh"]["dense"] != result["transfer"]["fresh"]["dense"]


def test_there_may_be_none(tmp_path):
    args = dataclasses.replace(study.Args.at("smoke"), data_trials=0, variants=("fresh",))
    found = study.run(args, Cells(tmp_path, quiet=True))
    assert found["other_data"] == {}
    assert not [one for one in found["findings"] if one.id.endswith("-data")]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ticket": 8}, "ticket=8: from 0 to retrains - 1 = 7"),
        ({"variants": ("flipped",)}, "must be 'fresh' and any of"),
        ({"variants": ("fresh", "upside down")}, "upside down"),
    ],
)
def test_settings_that_make_no_sense_are_refused(change, message, tmp_path):
    args = dataclasses.replace(study.Args.at("smoke"), **change)
    with pytest.raises(ValueError, match=message):
        study.run(args, Cells(tmp_path, quiet=True))
    assert not list(tmp_path.iterdir())


def with_advantages(**by_variant):
    """The part of a result with these advantages of the ticket over the dense network, by trial."""
    return {
        "transfer": {
            variant: {
                "dense": [[60.0]] * len(gained),
                "lottery": [[60.0 + g] for g in gained],
                "random": [[50.0]] * len(gained),
            }
            for variant, gained in by_variant.items()
        }
    }


@pytest.mark.parametrize(
    ("rotated", "verdict"),
    [
        ([6.0, 6.2, 5.8, 6.1, 5.9], "reproduced"),  # a rotation keeps nearly all
        ([1.6, 1.8, 1.4, 1.7, 1.5], "partly"),  # more than shuffling, less than half
        ([3.0, -3.0, 1.0, -1.0, 0.5], "not supported"),
        ([-1.6, -1.8, -1.4, -1.7, -1.5], "refuted"),
    ],
)
def test_a_spatial_prior_is_what_rotation_keeps_and_shuffling_loses(rotated, verdict):
    result = with_advantages(fresh=[6.6] * 5, rotated_20=rotated, shuffled=[0.1, 0, -0.1, 0, 0.1])
    finding = rules.judge_prior(result)
    assert finding.verdict == verdict and finding.superseded.verdict == "reproduced"
    assert finding.estimate == pytest.approx(sum(rotated) / 5 - 0.02)
    assert rules.judge_prior(with_advantages(fresh=[6.6])).verdict == "not testable"


def test_a_sign_is_no_test():
    found = with_advantages(fresh=[6.0] * 5, shuffled=[-0.5, 0.9, -0.8, -0.7, 0.2])
    finding = transfer.judge_shuffled(found)
    assert finding.verdict == "not supported" and finding.superseded.verdict == "reproduced"
    assert finding.interval == pytest.approx((-1.07, 0.71), abs=0.01)
    worse = with_advantages(fresh=[6.0] * 3, shuffled=[-2.0, -1.8, -2.1])
    assert transfer.judge_shuffled(worse).verdict == "reproduced"


@pytest.mark.parametrize(
    ("gained", "random", "verdict"),
    [
        ([6, 7, 8], [-5, -4, -5], "reproduced"),
        ([6, 7, 8], [5, 4, 5], "partly"),  # a random network is better as well
        ([2, 7, 9], [-5, -4, -5], "not supported"),
        ([-6, -7, -8], [-5, -4, -5], "refuted"),
    ],
)
def test_on_new_data_a_ticket_gains_and_a_random_one_loses(gained, random, verdict):
    found = with_advantages(fresh=gained)
    found["transfer"]["fresh"]["random"] = [[60.0 + gain] for gain in random]
    assert transfer.judge_fresh(found).verdict == verdict


@pytest.mark.parametrize(
    ("flipped", "verdict"),
    [
        ([2, 2.1, 1.9], "reproduced"),
        ([-4, 4, 1], "not supported"),
        ([-2, -2.1, -1.9], "refuted"),
    ],
)
def test_on_flipped_data_the_ticket_wins_or_not(flipped, verdict):
    finding = transfer.judge_flipped(with_advantages(fresh=[6.6] * 3, flipped=flipped))
    assert finding.verdict == verdict
    assert finding.estimate == pytest.approx(sum(flipped) / 3)
    assert finding.superseded.verdict == ("partly" if sum(flipped) > 0 else "refuted")


@pytest.mark.parametrize(
    ("shuffled", "verdict"),
    [
        ([0, 0.2, -0.2], "reproduced"),
        ([0, 4, 3], "not supported"),
        ([4, 4.2, 3.8], "refuted"),
    ],
)
def test_shuffling_is_compared_with_flipping_trial_by_trial(shuffled, verdict):
    finding = transfer.judge_worse(with_advantages(flipped=[3, 3.2, 2.8], shuffled=shuffled))
    assert (finding.id, finding.verdict, finding.n) == ("L-j", verdict, 3)
    assert finding.estimate == pytest.approx(3 - sum(shuffled) / 3)


@pytest.mark.parametrize(
    ("gained", "verdict"),
    [
        ([3, 3.1, 2.9], "reproduced"),
        ([0.8, 0.9, 1.0], "partly"),
        ([-1, 5, 2], "not supported"),
        ([-2, -2.1, -1.9], "refuted"),
    ],
)
def test_new_first_weights_keep_a_point_or_some(gained, verdict):
    found = with_advantages(new_weights=gained)
    assert transfer.judge_renewed(found).verdict == verdict


@pytest.mark.parametrize("half", [slice(5), slice(5, 10)])
def test_half_of_the_trials_decide_what_the_page_says_of_them(root, half):
    """Its paragraph on rules names the verdicts of the first five trials and of the last."""
    found = read_result(root / "dataset_card/results/lottery_tickets.json")["transfer"]
    of = {v: {name: runs[half] for name, runs in one.items()} for v, one in found.items()}
    assert transfer.judge_renewed({"transfer": of}).verdict == "partly"
    fresh = transfer.judge_fresh({"transfer": of}).verdict
    assert fresh == ("partly" if half.start is None else "reproduced")


@pytest.mark.parametrize(
    ("lottery", "random", "verdicts"),
    [
        ([71, 74, 70], [63, 62, 60], ("reproduced", "reproduced")),
        ([71, 74, 70], [69, 62, 60], ("partly", "reproduced")),  # random pruning gains as well
        ([61, 60, 55], [69, 72, 70], ("refuted", "refuted")),
    ],
)
def test_sparsities_are_judged_by_trial(lottery, random, verdicts):
    search = {
        name: {"last": [[64.0 + t / 10, *(value + t / 10 for value in last)] for t in range(3)]}
        for name, last in (("lottery", lottery), ("random", random))
    }
    findings = rules.judge_search({"sparsity": [0, 0.8, 0.9, 0.96], "search": search})
    assert tuple(finding.verdict for finding in findings) == verdicts
    assert findings[1].estimate == pytest.approx(lottery[-1] - 64)


@pytest.mark.parametrize(
    ("p", "verdict"),
    [
        ([0.02, 0.001, 0.9], "reproduced"),
        ([0.001, 0.03, 0.001], "not supported"),
        ([0.98, 0.99, 0.5], "refuted"),
    ],
)
def test_neighbours_beyond_chance_are_judged_by_permutation(p, verdict):
    finding = rules.judge_adjacency({**published(2020), "permuted": by_chance(p)})
    assert finding.verdict == verdict and finding.ours["p by permutation"]["pairs"] == p[0]
    assert finding.estimate == pytest.approx(12 if p[0] >= p[1] else 2.5)


def test_masks_come_back_from_their_numbers(result):
    masks = study.first_layer([torch.tensor([1.0] * 40 + [0, 1] * 20 + [1, 1]), *[torch.ones(1)]])
    numbers = [int("".join(map(str, row)), 2) for row in masks]
    assert (study.units_of({"first_layer": numbers}) == masks).all()
    assert result["permuted"]["share"][0] == pytest.approx(
        result["search"]["lottery"]["adjacency"][0]["share"][0]
    )
