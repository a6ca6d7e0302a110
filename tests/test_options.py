"""Options of the command line: numbers as people write them, engines as they are asked for."""

import pytest

from mnist1d_hf.options import engine_of, whole_number


@pytest.mark.parametrize(
    ("text", "number"),
    [("100", 100), ("1e8", 10**8), ("1.5e3", 1500), ("1_000", 1000), ("-1", -1), ("1e23", 10**23)],
)
def test_large_numbers_can_be_short(text, number):
    assert whole_number(text) == number


@pytest.mark.parametrize("text", ["", "many", "1.5", "1e-1", "nan", "inf"])
def test_what_is_no_whole_number_is_refused(text):
    with pytest.raises(ValueError, match="whole number"):
        whole_number(text)


def test_a_number_that_would_take_for_ever_is_refused():
    with pytest.raises(ValueError, match="1e999999999 is too large"):
        whole_number("1e999999999")


def test_options_of_an_engine_are_json_or_text():
    options = ["partition=cpu", "time=01:00:00", "cpus_per_task=4", 'sbatch_args={"exclusive": ""}']
    engine = engine_of("slurm", 3, "/logs", options, True)
    assert engine.options == {
        "partition": "cpu",
        "time": "01:00:00",
        "cpus_per_task": 4,
        "sbatch_args": {"exclusive": ""},
    }
    assert (engine.workers, engine.logs, engine.dry_run) == (3, "/logs", True)
    with pytest.raises(ValueError, match="'exclusive': must be NAME=VALUE"):
        engine_of("slurm", 3, None, ["exclusive"], False)
