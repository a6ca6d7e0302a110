"""Statements: what decides them, and that every finding of a study has a place."""

from dataclasses import replace

import pytest

from mnist1d_hf.evidence.claims import CLAIMS, Claim
from mnist1d_hf.evidence.outcomes import NOT_RUN, OUTCOMES, outcome, outcomes

ONE = Claim("X1", "x", "paper", "study", ("X1-a", "X1-b"))


def verdicts(*given):
    return {id: {"verdict": verdict} for id, verdict in zip(("X1-a", "X1-b"), given, strict=False)}


@pytest.mark.parametrize(
    "found, expected",
    [
        ((), (NOT_RUN, True)),
        (("reproduced",), ("reproduced", False)),
        (("reproduced", "reproduced"), ("reproduced", True)),
        (("reproduced", "refuted"), ("partly", True)),
        (("refuted", "refuted"), ("refuted", True)),
        (("partly", "refuted"), ("partly", True)),
        (("reproduced", "not testable"), ("reproduced", True)),
        (("not testable", "not testable"), ("not testable", True)),
    ],
)
def test_several_tests_make_one_outcome(found, expected):
    assert outcome(ONE, verdicts(*found)) == expected


def test_a_retracted_statement_stays_so_and_one_without_a_study_cannot_be_tested():
    assert outcome(replace(ONE, retracted=True), verdicts("reproduced", "reproduced")) == (
        "retracted",
        True,
    )
    assert outcome(replace(ONE, study=None), {})[0] == "not testable"


def test_every_statement_of_the_paper_has_its_number():
    ids = [claim.id for claim in CLAIMS]
    assert ids == [
        *(f"C{i}" for i in range(1, 13)),
        *(f"L-{letter}" for letter in "abcdefghij"),
        *(f"D{i}" for i in range(1, 5)),
        *(f"M{i}" for i in range(1, 9)),
        *(f"S{i}" for i in range(1, 4)),
        *(f"P{i}" for i in range(1, 6)),
    ]
    for claim in CLAIMS:
        assert claim.study or claim.note
        assert all(id == claim.id or id.startswith(f"{claim.id}-") for id in claim.decided_by())


def test_what_has_no_result_is_not_run_yet():
    finding = {"id": "D2", "verdict": "refuted"}
    found = outcomes({"double_descent": {"findings": [finding]}})
    assert found["refuted"] == ["D2"] and found["retracted"] == ["D1"]
    assert found["not testable"] == ["C5"] and len(found[NOT_RUN]) == len(CLAIMS) - 3
    assert list(found) == [name for name in OUTCOMES if name in found]


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (("not supported", "not supported"), "not supported"),
        (("refuted", "not supported"), "refuted"),
        (("reproduced", "not supported"), "partly"),
        (("refuted", "refuted"), "refuted"),
    ],
)
def test_what_no_test_decides_is_not_supported(verdicts, expected):
    claim = next(claim for claim in CLAIMS if claim.id == "P3")
    findings = {
        id: {"id": id, "verdict": verdict}
        for id, verdict in zip(claim.decided_by(), verdicts, strict=True)
    }
    assert outcome(claim, findings) == (expected, True)
