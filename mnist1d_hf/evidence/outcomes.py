"""What our results say of each published claim.

A claim is decided by one or several findings:

- its verdict follows from theirs by `evidence.intervals.judge_together`;
- tests that were not possible here are left aside, and a claim with no other is not testable;
- a claim that its author took back stays retracted, whatever we find;
- "so far" when some of its tests were not run yet.
"""

from collections.abc import Mapping
from typing import Any

from mnist1d_hf.evidence.claims import CLAIMS, Claim
from mnist1d_hf.evidence.intervals import judge_together
from mnist1d_hf.evidence.results import VERDICTS

NOT_RUN = "not run yet"
OUTCOMES = (*VERDICTS, NOT_RUN)
Results = Mapping[str, Mapping[str, Any]]


def all_findings(results: Results) -> dict[str, dict[str, Any]]:
    """The findings of all results by id, each with the `study` it is from."""
    return {
        finding["id"]: {**finding, "study": study}
        for study, result in sorted(results.items())
        for finding in result.get("findings", [])
    }


def outcome(claim: Claim, findings: Mapping[str, Mapping[str, Any]]) -> tuple[str, bool]:
    """One of OUTCOMES, by the rules above, and whether all tests of the claim were run."""
    found = [findings[id]["verdict"] for id in claim.decided_by() if id in findings]
    whole = len(found) == len(claim.decided_by())
    testable = [verdict for verdict in found if verdict != "not testable"]
    if claim.retracted:
        return "retracted", whole
    if claim.study is None or (found and not testable):
        return "not testable", True
    if not testable:
        return NOT_RUN, True
    return judge_together(testable), whole


def on_other_data(claim: Claim, findings: Mapping[str, Mapping[str, Any]]) -> str:
    """The verdict of the same tests on other training and test rows; "" where none was run there.

    It is not that of the claim, which was made of the published rows.
    """
    found = [
        findings[f"{id}-data"]["verdict"] for id in claim.decided_by() if f"{id}-data" in findings
    ]
    return judge_together(found) if found else ""


def outcomes(results: Results) -> dict[str, list[str]]:
    """The claims by outcome, in the order of OUTCOMES."""
    findings = all_findings(results)
    by_outcome: dict[str, list[str]] = {name: [] for name in OUTCOMES}
    for claim in CLAIMS:
        by_outcome[outcome(claim, findings)[0]].append(claim.id)
    return {name: ids for name, ids in by_outcome.items() if ids}
