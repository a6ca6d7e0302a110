"""The page of what holds: every claim about MNIST-1D, its test, and our numbers beside it.

Made from the results alone (`dataset_card/results/*.json`), so it changes only with them; what has
no result yet is there as "not run yet", with its command. `scripts/reproduce.py --report-only`
writes it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from mnist1d_hf.evidence.claims import (
    CLAIMS,
    NOT_RUN,
    Claim,
    Results,
    all_findings,
    outcome,
    outcomes,
)
from mnist1d_hf.pages.tables import is_summary, markdown, side_by_side, text

SHORT = 60  # letters that a cell of a table takes
HEAD = """\
# What holds

The claims of the paper [Scaling Down Deep Learning with MNIST-1D](https://arxiv.org/abs/2011.14439),
its notebooks, its README and its blog post, each with the test that decides it. What does not hold
stays here as what holds does.

**Rules.** The first version of a rule was fixed before the run of its study, with these exceptions:
that of C1-mlp-68 came after its decisive run, those of t-SNE have the date of their results, that
of S-pixels was made stricter afterwards, and the two on sizes in C7 are arithmetic. Pilot runs of
the benchmark and of the learning rates were known. Where a rule turned out not to test its claim,
a second version with its date stands beside the first, which keeps its verdict. Second versions
were written with knowledge of the results.

**Verdicts** by an interval: *reproduced* when the whole 95 % interval of the tested quantity lies
where the claim says, *refuted* when all of it lies elsewhere, and else *not supported*: the runs do
not decide. A claim with several tests is reproduced when all of them are, refuted when all of them
are, not supported when none holds even partly, and else holds partly; tests that were not possible
here do not count.

**Numbers.** What stands after ± is the sample standard deviation over runs, never a standard error;
an interval is that of Student's t for the mean of the tested quantity, over n runs or n paired
differences. Runs differ in their initial weights and share one training and one test set, so that
intervals do not contain the choice of the data, except where it says so.

Made by `python scripts/reproduce.py --report-only` from the files in [results/](results). How
models are to be compared with each other is in the [card](README.md#protocol).
"""
RERUN = """\
Minutes are those of one thread, for the whole study. Everything again, from nothing, in a folder
of its own: `python scripts/reproduce.py --out out/again --workers 2`. Without `--out`, the command
runs what is missing here.
"""


class Study(Protocol):
    """What the page says of a study beside its result."""

    @property
    def title(self) -> str: ...
    @property
    def published_figure(self) -> str: ...
    @property
    def elsewhere(self) -> str: ...


def page(results: Results, studies: Mapping[str, Study], note: str = "") -> str:
    """The text of REPRODUCTION.md, with a `note` near its top.

    `studies` are all studies by name; `results` may lack any of them.
    """
    findings = all_findings(results)
    parts = [
        HEAD,
        note,
        verdict_counts(results),
        "## All claims\n\n" + claims_table(results),
        RERUN,
        *(section(name, study, results, findings) for name, study in studies.items()),
        cost_section(results),
    ]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def verdict_counts(results: Results, page: str = "") -> str:
    """How many claims have which outcome, and which, with links to them on the `page`."""
    findings = all_findings(results)
    stars = {s.id: "" if outcome(s, findings)[1] else "\\*" for s in CLAIMS}
    rows = [
        [name, str(len(ids)), ", ".join(f"[{id}]({page}#{id}){stars[id]}" for id in ids)]
        for name, ids in outcomes(results).items()
    ]
    table = markdown(["verdict", "claims", "which"], rows)
    missing = any(id in findings for s in CLAIMS if stars[s.id] for id in s.decided_by())
    return table + ("\n\n\\* so far: not all of its tests were run yet." if missing else "")


def claims_table(results: Results) -> str:
    findings = all_findings(results)
    rows = []
    for claim in CLAIMS:
        found = [findings[id] for id in claim.decided_by() if id in findings]
        one = found[0] if len(found) == 1 else None
        rows.append(
            [
                f'<a id="{claim.id}"></a>{claim.id}',
                f"{claim.text} ({claim.source})",
                short(one["published"], one["study"]) if one else see(found),
                short(tested(one), one["study"]) if one else see(found),
                verdict_text(claim, findings),
                cost_text(claim, results),
            ]
        )
    return markdown(["", "claim (source)", "published", "ours", "verdict", "minutes"], rows)


def verdict_text(claim: Claim, findings: Mapping[str, Any]) -> str:
    verdict, whole = outcome(claim, findings)
    found = [findings[id]["verdict"] for id in claim.decided_by() if id in findings]
    if verdict == NOT_RUN:
        return f"[{NOT_RUN}](#{claim.study})"
    words = f"**{verdict}**"
    if claim.retracted:
        words += f" ({', '.join(found) if found else NOT_RUN})"
    elif len(claim.decided_by()) > 1 and verdict in ("partly", "reproduced", "refuted"):
        hold = found.count("reproduced")
        words += f" ({hold} of {len(found)} tests hold{'' if whole else ' so far'})"
    return words + (f": {claim.note}" if claim.note else "")


def cost_text(claim: Claim, results: Results) -> str:
    spent = results.get("cost", {}).get("studies", {}).get(claim.study)
    return text(round(spent["minutes"])) if spent else "–"


def section(name: str, study: Study, results: Results, findings: Mapping[str, Any]) -> str:
    """A study: its command, its figure beside the published one, and its findings."""
    command = f"`python scripts/reproduce.py --only {name}`"
    lines = [f"## {name}", study.title]
    ids = ", ".join(s.id for s in CLAIMS if s.study == name)
    if name not in results:
        lines.append(f"**{NOT_RUN.capitalize()}**: {command}" + (f" (for {ids})." if ids else "."))
    else:
        spent = results.get("cost", {}).get("studies", {}).get(name, {}).get("minutes")
        lines.append(command + (f", {text(round(spent))} minutes of one thread." if spent else "."))
        lines.append(f"![{study.title}](figures/{name}.png)")
    if study.published_figure:
        lines.append(f"*Published:* {study.published_figure}")
    lines.append(study.elsewhere)
    mine = [finding for finding in findings.values() if finding["study"] == name]
    deciding = {id for claim in CLAIMS for id in claim.decided_by()}
    lines.append(findings_text([c for c in mine if c["id"] in deciding]))
    if more := [c for c in mine if c["id"] not in deciding]:
        lines += ["What else we looked at:" if len(more) < len(mine) else "", findings_text(more)]
    return "\n\n".join(filter(None, lines))


def findings_text(findings: Sequence[Mapping[str, Any]]) -> str:
    """Claims with short numbers as rows of a table, the others after it."""
    brief = [
        c
        for c in findings
        if len(text(c["published"])) + len(text(ours(c))) <= 2 * SHORT
        and not (c.get("superseded") or c.get("interval"))
    ]
    rows = [
        [c["id"], c["claim"], text(c["published"]), text(ours(c)), rule(c), f"**{c['verdict']}**"]
        for c in brief
    ]
    header = ["", "claim", "published", "ours", "rule", "verdict"]
    parts = [markdown(header, rows)] if rows else []
    return "\n\n".join([*parts, *(block(c) for c in findings if c not in brief)])


def block(finding: Mapping[str, Any]) -> str:
    """One finding with many numbers."""
    numbers = side_by_side({"published": finding["published"], "ours": ours(finding)})
    head = f"**{finding['id']}: {finding['verdict']}.** {sentence(finding['claim'])}"
    parts = [head, numbers, estimate(finding), f"{since(finding)}: {rule(finding)}."]
    return "\n\n".join(filter(None, [*parts, first_version(finding)]))


def estimate(finding: Mapping[str, Any]) -> str:
    """The tested quantity with its interval and the number of runs, where a finding has them."""
    if finding.get("estimate") is None:
        return ""
    return f"{sentence(finding['quantity'])[:-1]}: {with_interval(finding)}, n = {finding['n']}."


def with_interval(finding: Mapping[str, Any]) -> str:
    if finding.get("interval") is None:
        return f"{text(finding['estimate'])} (no interval: one run)"
    low, high = finding["interval"]
    return f"{finding['estimate']:.2f} (95 % interval {low:.2f} to {high:.2f})"


def since(finding: Mapping[str, Any]) -> str:
    date = finding.get("since")
    return f"Rule, second version of {date}" if date else "Rule"


def first_version(finding: Mapping[str, Any]) -> str:
    """The rule that was replaced, with its claim where that differs, its verdict, and why."""
    if not (first := finding.get("superseded")):
        return ""
    claim = f" of the claim that {first['claim']}" if first["claim"] else ""
    return (
        f"First version{claim}: {first['rule']}; its verdict: **{first['verdict']}**. It was "
        f"replaced because {first['why']}."
    )


def sentence(words: str) -> str:
    return words[0].upper() + words[1:] + "."


def rule(finding: Mapping[str, Any]) -> str:
    """By which a finding was judged, and over how many runs where its numbers do not say so."""
    if finding["n"] is None or is_summary(ours(finding)) or finding.get("estimate") is not None:
        return finding["rule"]
    std = "" if finding["std"] is None else f", std {finding['std']:.2g}"
    return f"{finding['rule']} (n = {finding['n']}{std})"


def ours(finding: Mapping[str, Any]) -> Any:
    """What we found; a single number with its spread."""
    if isinstance(finding["ours"], int | float) and not isinstance(finding["ours"], bool):
        if finding["std"] is not None:
            return {"mean": finding["ours"], "std": finding["std"], "n": finding["n"]}
    return finding["ours"]


def tested(finding: Mapping[str, Any]) -> Any:
    """What a table says we found: the tested quantity with its interval, where there is one."""
    if finding.get("interval") is None:
        return ours(finding)
    return with_interval(finding)


def short(value: Any, study: str) -> str:
    """A value for a cell of a table, or a link to where it stands."""
    words = text(value)
    return words if len(words) <= SHORT else f"[see below](#{study})"


def see(found: Sequence[Mapping[str, Any]]) -> str:
    return f"[see below](#{found[0]['study']})" if found else "–"


def cost_section(results: Results) -> str:
    """Claim C7, which is about all studies, and where they ran."""
    if "cost" not in results:
        return ""
    rows = [
        [name, text(of["cells"]), text(of["minutes"]), " to ".join(dict.fromkeys(of["days"]))]
        + ["<br>".join(of["machines"]), "<br>".join(of["versions"])]
        for name, of in results["cost"]["studies"].items()
    ]
    head = (
        "## cost\n\nMinutes of one thread that all cells of a study took, with all repetitions, on "
        "machines that were busy with others: an upper bound."
    )
    header = ["study", "cells", "minutes", "measured", "machine", "versions"]
    return "\n\n".join([head, findings_text(results["cost"]["findings"]), markdown(header, rows)])
