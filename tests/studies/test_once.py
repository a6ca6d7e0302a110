"""The scale `once`: what is in the paper, one time."""

import dataclasses
import importlib
import warnings

import pytest

from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.evidence.cost import PRINTED
from mnist1d_hf.evidence.results import read_result, write_result
from mnist1d_hf.pages.reproduction import page
from mnist1d_hf.studies import load_studies

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
    with pytest.raises(ValueError, match="protocols 'best': must be one of last_step, validation"):
        dataclasses.replace(once, protocols=("best",))


def shortened(study):
    """One repetition, as at the scale `once`, of what the smoke scale does in seconds."""
    args_class = study.args_class
    once, smoke = args_class.at("once"), args_class.at("smoke")
    fewer = {
        field.name: getattr(once, field.name)
        for field in dataclasses.fields(args_class)
        if isinstance(getattr(once, field.name), int)
        and getattr(once, field.name) < getattr(smoke, field.name)
    }
    return dataclasses.replace(smoke, **fewer | {study.repeated: getattr(once, study.repeated)})


@pytest.mark.parametrize("name", [name for name, study in STUDIES.items() if study.repeated])
def test_one_run_has_no_spread_and_is_written_and_shown(name, tmp_path):
    module = importlib.import_module(f"mnist1d_hf.studies.{name}")
    args = shortened(STUDIES[name])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = module.run(args, Cells(tmp_path, quiet=True))
        path = write_result(tmp_path / "result.json", result, args=args, seconds=1.0)
        for plot in STUDIES[name].plots.values():
            assert plot(read_result(path)).axes
    page({name: read_result(path)}, STUDIES)
    for finding in result["findings"]:
        assert finding.std is None or finding.n > 1


def test_what_is_not_in_the_paper_is_refused(tmp_path):
    study = load_studies()["fresh_data"]
    with pytest.raises(SystemExit, match="2"):
        study(args=["--scale", "once", "--out", str(tmp_path)])
    assert not list(tmp_path.iterdir())
