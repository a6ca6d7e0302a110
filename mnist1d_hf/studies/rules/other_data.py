"""Rules on runs that differ in their training and test rows as well as in their weights.

The runs behind the other findings of a study share one set of rows, so that their spread says
nothing of what other rows would give. Here the same rules judge runs that do not.
"""

from collections.abc import Iterable
from dataclasses import replace

from mnist1d_hf.evidence.results import Finding


def on_other_data(findings: Iterable[Finding]) -> list[Finding]:
    """`findings` as those of runs whose rows differ; their rules were fixed before such runs."""
    return [
        replace(
            finding,
            id=f"{finding.id}-data",
            claim=f"{finding.claim}, on other training and test rows",
            rule=f"{finding.rule}; each run has rows of its own",
            since=None,
            superseded=None,
        )
        for finding in findings
    ]
