"""Numbers and results as text."""

import doctest

import pytest

from mnist1d_hf.pages import tables
from mnist1d_hf.pages.tables import number, side_by_side, spread, text


def test_the_examples_of_the_module():
    result = doctest.testmod(tables)
    assert result.attempted == 3 and result.failed == 0


@pytest.mark.parametrize(
    "value, shown",
    [
        (0, "0"),
        (1e-7, "1e-07"),
        (-0.5, "-0.5"),
        (999.96, "1000"),
        (True, "1"),
        (33.300000004, "33.3"),
    ],
)
def test_numbers_keep_the_digits_that_count(value, shown):
    assert number(value) == shown


def test_a_spread_decides_the_digits():
    assert spread(94.0, 0.0) == "94 ± 0" and spread(0.5, 0.0) == "0.50 ± 0.00"
    assert spread(1234.5, 56.7) == "1234 ± 57" and spread(93.731, 0.64) == "93.73 ± 0.64"


def test_nested_values_become_one_line():
    assert text(None) == text({}) == "–" and text(False) == "no" and text("a figure") == "a figure"
    assert text({"a": {"b": 1, "c": 2.0}}) == "a (b: 1, c: 2)"
    assert text([[1, 2], [3, 4]]) == "(1, 2), (3, 4)"
    assert text(list(range(20))).endswith("10, … (20 values)")
    assert text({"mean": 1.5, "std": 0.25}) == "1.50 ± 0.25"


def test_shared_keys_share_a_table():
    found = side_by_side({"published": {"a": 1, "b": 2}, "ours": {"b": 2.5, "a": 1.5, "c": 3}})
    assert found.splitlines() == [
        "|  | published | ours |",
        "| --- | --- | --- |",
        "| a | 1 | 1.5 |",
        "| b | 2 | 2.5 |",
        "| c | – | 3 |",
    ]


def test_what_shares_nothing_is_shown_one_after_the_other():
    rows = {"x": {"p": 1, "q": 2}, "y": {"p": 3, "q": 4}}
    found = side_by_side({"published": "a figure", "ours": rows})
    assert found.startswith("published: a figure\n\n| ours | p | q |") and "| y | 3 | 4 |" in found
    assert side_by_side({"published": None, "ours": {"a": 1, "b": 2, "c": 3}}).count("\n") == 4
