"""The reproduction report: every claim about MNIST-1D, its test, the published and our numbers.

It is generated from the results (`dataset_card/results/*.json`) by
`scripts/reproduce.py --report-only`. Studies without results appear as "not run yet".
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from mnist1d_hf.evidence.claims import CLAIMS, Claim
from mnist1d_hf.evidence.outcomes import (
    NOT_RUN,
    Results,
    all_findings,
    on_other_data,
    outcome,
    outcomes,
)
from mnist1d_hf.pages.repeat import repeat_section
from mnist1d_hf.pages.tables import decimals, is_summary, markdown, side_by_side, text

SHORT = 60  # characters that fit into a cell of a table
HEAD = """\
# What holds

This report goes through the claims of the paper
[Scaling Down Deep Learning with MNIST-1D](https://arxiv.org/abs/2011.14439), its notebooks, its
README and its blog post. Each claim is decided by one or more tests, unless it cannot be tested
here. Tests have the name of their claim, C1 for example, and perhaps an ending. Claims that fail
are listed just as those that hold.

**Data.** `default` has the signals of the paper, `shuffled` the same with their columns permuted,
`high-translation` signals that are moved farther, and `noisy` ones with so much noise that the best
possible classifier makes mistakes. An example is also called a row.

**Rules.** The first version of each rule was written down before its study was run, with these
exceptions. The rules of C1-mlp-68, C9, C10, L-j, M8 and P5 were written after the runs that decide
them. C12 first took the median of its times, and then the best of five rounds. The rules of the
t-SNE study have the same date as their results. The rule of S-pixels was made stricter afterwards.
The two rules on sizes in C7 only need arithmetic. When the rules were written, the results of pilot
runs of the benchmark and of the learning rate study were already known. Some rules on the optimum,
which say so, were written when three of its six models had been run. Some rules turned out not to
test their claim. These have another version, of the date they give, which was written with
knowledge of the results. The first version stays on this page with its verdict on the present runs
and, where that was another one, its verdict on the runs at the time when it was replaced. Three
studies were given more runs when their first ones were known. S1 to S3 had five runs, which did not
decide S3, and then ten. L-a to L-h had five trials, by which L-c and L-f held only partly, and then
ten; by the five that were added alone, L-f would hold only partly as well. M2 to M4 and M6 had
three searches and then ten.

**Verdicts.** A test that has a 95 % interval is *reproduced* when the whole interval lies where the
claim says, *refuted* when the whole interval lies elsewhere, and *not supported* otherwise, because
the runs do not decide. Where a rule names a weaker form of its claim, it is *partly* when only the
weaker form is reproduced, even if the claim itself is refuted. Where the rule asks for a share of
searches or of printed values, or for a p-value, it says itself what decides, and the interval only
shows how well the number is known. A rule for which no interval exists says why. A claim with
several tests is *reproduced* when all of them are reproduced, and *partly* when some are, or are
partly. When none of them is, it is *refuted* if one or more tests are refuted, because a claim with
a part that is wrong does not hold, and else *not supported*; until 2026-11-27 all tests had to be
refuted. Tests that could not be made here are left out. No verdict is corrected for the number of
tests on this page: where there is no effect, one test in forty finds one in the direction of its
claim. Only C1-mlp-68, which picks the best of several means, allows for their number.

**Numbers.** The number after ± is the sample standard deviation over runs, never a standard error.
An interval is Student's t interval for the mean of the tested quantity over n runs, or over the
differences of n pairs of runs; for runs that are not paired it is Welch's, for a share Clopper and
Pearson's, for the exponents of D1 that of least squares. In comparisons with the human it is over n
test rows; for kappa, which is the agreement beyond chance, it is found by the jackknife, leaving
out one row at a time. Unless something else is stated, all runs share one training and one test set
and differ in their initial weights. Their intervals therefore do not say how much a result depends
on the choice of the data. For this, some tests were repeated in runs that each have training and
test rows of their own, by which differences are paired. Their names end in -data, their verdicts
stand in the table under "on other rows", and they decide no claim, since a claim was made of the
published rows. In L-i and M7 all runs have rows of their own, and so have the runs on endless data
in E1 to E3. In C6, on the pixels, and in C8 and C11 runs are splits of the same 5,000 rows. In the
study of the optimum, each run has training examples of its own, and all are tested on the same
5,000. Its intervals do not say how much a result depends on the choice of these, except for the
distances to the optimum, whose rules say so.

**Running it again.** A study is divided into cells, such as the training of one network. A cell
that is run again has the same numbers, bit for bit, only on the same model of processor, with the
same sources and versions. Elsewhere the last bits of sums differ, and training makes these
differences larger: a run there is like another run here, and the mean of n runs moves by as much as
that of n others would, which is what its interval is for. The cells that were run again are
[below](#repeat). Every new cell has a digest of the sources that made it. For those whose sources a
commit has, the command `python scripts/sources.py` says which.

The command `python scripts/reproduce.py --report-only` generates this page from the files in
[results/](results). The [card](README.md#protocol) describes the protocol for comparing models.
"""
RERUN = """\
The last column gives the minutes that one thread needs for the whole study. The command
`python scripts/reproduce.py --out out/again --workers 2` runs all studies again and writes into a
separate folder. Without `--out`, it takes the finished cells of the folder of this page and writes
the results again.
"""


class Study(Protocol):
    """The texts of a study on the page, besides its result."""

    @property
    def title(self) -> str: ...
    @property
    def captions(self) -> Mapping[str, str]: ...
    @property
    def published_figure(self) -> str: ...
    @property
    def elsewhere(self) -> str: ...
    def settings(self, args: Mapping[str, Any]) -> str: ...


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
        repeat_section(results),
    ]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def verdict_counts(results: Results, page: str = "") -> str:
    """The table of verdicts: number and ids of the claims, with links to them on the `page`."""
    findings = all_findings(results)
    stars = {s.id: "" if outcome(s, findings)[1] else "\\*" for s in CLAIMS}
    rows = [
        [name, str(len(ids)), ", ".join(f"[{id}]({page}#{id}){stars[id]}" for id in ids)]
        for name, ids in outcomes(results).items()
    ]
    table = markdown(["verdict", "claims", "which"], rows)
    missing = any(id in findings for s in CLAIMS if stars[s.id] for id in s.decided_by())
    return table + ("\n\n\\* so far: some of its tests have not been run yet." if missing else "")


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
                tested(one) if one else see(found),
                verdict_text(claim, findings),
                on_other_data(claim, findings) or "–",
                cost_text(claim, results),
            ]
        )
    header = ["", "claim (source)", "published", "ours", "verdict", "on other rows", "minutes"]
    return markdown(header, rows)


def verdict_text(claim: Claim, findings: Mapping[str, Any]) -> str:
    verdict, whole = outcome(claim, findings)
    found = [findings[id]["verdict"] for id in claim.decided_by() if id in findings]
    if verdict == NOT_RUN:
        return f"[{NOT_RUN}](#{claim.study})"
    words = f"**{verdict}**"
    if claim.retracted:
        words += f" ({', '.join(found) if found else NOT_RUN})"
    elif len(claim.decided_by()) > 1 and verdict in ("partly", "reproduced", "refuted"):
        hold, possible = found.count("reproduced"), len(found) - found.count("not testable")
        words += f" ({hold} of {possible} tests hold{'' if whole else ' so far'})"
    return words + (f": {claim.note}" if claim.note else "")


def cost_text(claim: Claim, results: Results) -> str:
    spent = results.get("cost", {}).get("studies", {}).get(claim.study)
    return text(round(spent["minutes"])) if spent else "–"


def section(name: str, study: Study, results: Results, findings: Mapping[str, Any]) -> str:
    """A study: its command, its figures beside the published ones, and its findings."""
    command = f"`python scripts/reproduce.py --only {name}`"
    lines = [f"## {name}", study.title]
    ids = ", ".join(s.id for s in CLAIMS if s.study == name)
    if name not in results:
        lines.append(f"**{NOT_RUN.capitalize()}**: {command}" + (f" (for {ids})." if ids else "."))
    else:
        spent = results.get("cost", {}).get("studies", {}).get(name, {}).get("minutes")
        lines.append(command + (f", {text(round(spent))} minutes of one thread." if spent else "."))
        lines.append(study.settings(results[name].get("args", {})))
        for figure, caption in study.captions.items():
            lines += [f"![{caption.split('. ')[0]}](figures/{figure}.png)", caption]
    if study.published_figure:
        lines.append(f"*Published:* {study.published_figure}")
    lines.append(study.elsewhere)
    mine = [finding for finding in findings.values() if finding["study"] == name]
    deciding = {id for claim in CLAIMS for id in claim.decided_by()}
    lines.append(findings_text([c for c in mine if c["id"] in deciding]))
    if more := [c for c in mine if c["id"] not in deciding]:
        lines += [
            "Further findings of this study:" if len(more) < len(mine) else "",
            findings_text(more),
        ]
    return "\n\n".join(filter(None, lines))


def findings_text(findings: Sequence[Mapping[str, Any]]) -> str:
    """Findings with short numbers as rows of a table, and all others after it."""
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
    runs = "" if finding["n"] is None else f", n = {finding['n']}"
    return f"{sentence(finding['quantity'])[:-1]}: {with_interval(finding)}{runs}."


def with_interval(finding: Mapping[str, Any]) -> str:
    if finding.get("interval") is None:
        once = " (no interval, since there was one run)" if finding["n"] == 1 else ""
        return text(finding["estimate"]) + once
    low, high = finding["interval"]
    digits = min(5, max(2, decimals((high - low) / 2)))
    return f"{finding['estimate']:.{digits}f} (95 % interval {low:.{digits}f} to {high:.{digits}f})"


def since(finding: Mapping[str, Any]) -> str:
    date = finding.get("since")
    return f"Rule, as of {date}" if date else "Rule"


def first_version(finding: Mapping[str, Any]) -> str:
    """The rule that was replaced, with its claim where that differs, its verdict, and why."""
    if not (first := finding.get("superseded")):
        return ""
    claim = f" of the claim that {first['claim']}" if first["claim"] else ""
    then = f", and of the runs at that time **{first['then']}**" if first.get("then") else ""
    return (
        f"First version{claim}: {first['rule']}; its verdict: **{first['verdict']}**{then}. It was "
        f"replaced because {first['why']}."
    )


def sentence(words: str) -> str:
    return words[0].upper() + words[1:] + "."


def rule(finding: Mapping[str, Any]) -> str:
    """The rule of a finding, with the number of runs unless its numbers include that."""
    if finding["n"] is None or is_summary(ours(finding)) or finding.get("estimate") is not None:
        return finding["rule"]
    std = "" if finding["std"] is None else f", std {finding['std']:.2g}"
    return f"{finding['rule']} (n = {finding['n']}{std})"


def ours(finding: Mapping[str, Any]) -> Any:
    """Our value of a finding; a single number is combined with its std and n."""
    if isinstance(finding["ours"], int | float) and not isinstance(finding["ours"], bool):
        if finding["std"] is not None:
            return {"mean": finding["ours"], "std": finding["std"], "n": finding["n"]}
    return finding["ours"]


def tested(finding: Mapping[str, Any]) -> str:
    """What a table says we found: the tested quantity with its interval, where there is one."""
    if finding.get("interval") is None:
        return short(ours(finding), finding["study"])
    return f"{finding['quantity']}: {with_interval(finding)}"


def short(value: Any, study: str) -> str:
    """A value for a cell of a table, or a link to its section if it is too long."""
    words = text(value)
    return words if len(words) <= SHORT else f"[see below](#{study})"


def see(found: Sequence[Mapping[str, Any]]) -> str:
    return f"[see below](#{found[0]['study']})" if found else "–"


def cost_section(results: Results) -> str:
    """The section on cost: claim C7, which concerns all studies, and their times and machines."""
    if "cost" not in results:
        return ""
    rows = [
        [name, text(of["cells"]), text(of["minutes"]), " to ".join(dict.fromkeys(of["days"]))]
        + ["<br>".join(of["machines"]), "<br>".join(of["versions"])]
        for name, of in results["cost"]["studies"].items()
    ]
    head = (
        "## cost\n\nA study is divided into cells, such as the training of one network. The "
        "minutes are those of one thread for all cells of a study together. The machines were busy "
        "with other work at the same time, so that the minutes are upper bounds."
    )
    header = ["study", "cells", "minutes", "measured", "machine", "versions"]
    return "\n\n".join([head, findings_text(results["cost"]["findings"]), markdown(header, rows)])
