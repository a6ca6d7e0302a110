"""The scale `once`: what is in the paper, one time."""

import dataclasses
import warnings

import pytest

from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.evidence.cost import PRINTED
from mnist1d_hf.studies import double_descent, load_studies, pooling

STUDIES = {name: study for name, study in load_studies().items() if study.once}


def test_every_experiment_of_the_paper_has_it():
    assert {name for name, study in load_studies().items() if study.repeated} < set(STUDIES)
    assert set(PRINTED) < set(STUDIES)
    assert set(STUDIES) - set(PRINTED) == {"tsne", "mnist", "activation_transfer"}


@pytest.mark.parametrize("name", [name for name, study in STUDIES.items() if study.repeated])
def test_it_repeats_nothing_and_changes_no_other_setting(name):
    study = STUDIES[name]
    once, paper = study.args_class.at("once"), study.args_class.at("paper")
    repeats = getattr(once, study.repeated)
    assert (repeats if isinstance(repeats, int) else len(repeats)) == 1
    for field in dataclasses.fields(once):
        few, many = getattr(once, field.name), getattr(paper, field.name)
        if isinstance(many, tuple):
            assert set(few) <= set(many), field.name


def test_it_leaves_our_own_models_out():
    once = STUDIES["classification"].args_class.at("once")
    assert once.models == ("logistic", "mlp", "cnn", "gru") and once.protocols == ("last_step",)
    with pytest.raises(ValueError, match="protocols: 'best' is not one of last_step, validation"):
        dataclasses.replace(once, protocols=("best",))


@pytest.mark.parametrize(
    ("study", "changes"),
    [(pooling, {"epochs": 0, "data_runs": 0}), (double_descent, {"networks": ("mlp",)})],
)
def test_one_run_has_no_spread_and_is_shown(study, changes, tmp_path):
    args = dataclasses.replace(study.Args.at("smoke"), seeds=1, **changes)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = study.run(args, Cells(tmp_path, quiet=True))
        assert study.plot(result).axes
    assert all(finding.std is None for finding in result["findings"])


def test_what_is_not_in_the_paper_is_refused(tmp_path):
    study = load_studies()["fresh_data"]
    with pytest.raises(SystemExit, match="2"):
        study(args=["--scale", "once", "--out", str(tmp_path)])
    assert not list(tmp_path.iterdir())
