"""Figures of the study fresh_data, drawn from its result."""

from typing import Any

from matplotlib.figure import Figure

from mnist1d_hf.evidence.published import NAMES
from mnist1d_hf.figures.style import COLOURS, MODEL_COLOURS, panels, style
from mnist1d_hf.studies.rules.fresh_data import ENDLESS, FROZEN


@style()
def plot(result: dict[str, Any]) -> Figure:
    """Training on endless data and on the 4000 rows of the paper. Accuracy on fresh rows during
    training (a; means over the runs), on new rows in every step (solid) or always on the same 4000
    (dashed), and what is still wrong after the last step (b); bars are one standard deviation over
    the runs.
    """
    figure, (curves, ends) = panels(1, 2, width=6.5, height=2.8)
    for line in result["curves"]:
        looks = {"ls": "--"} if line["data"] == FROZEN else {"label": NAMES[line["model"]]}
        curves.plot(line["steps"], line["fresh"], color=MODEL_COLOURS[line["model"]], **looks)
    curves.plot([], [], "--", color=COLOURS["grey"], label="on 4000 rows")
    curves.set(title="Endless data against 4000 rows", xlabel="Training step", xlim=(0, None))
    curves.set(ylabel="Accuracy on fresh rows (%)", ylim=(0, 101))
    budget = min(r["updates"] for r in result["table"])
    stages = {(FROZEN, budget): f"4000 rows,\n{budget} steps"}
    for r in result["table"]:
        if r["data"] == ENDLESS:
            stages[ENDLESS, r["updates"]] = f"endless,\n{r['updates']} steps"
    for model in dict.fromkeys(r["model"] for r in result["table"]):
        rows = {(r["data"], r["updates"]): r for r in result["table"] if r["model"] == model}
        places = [place for place, stage in enumerate(stages) if stage in rows]
        scores = [rows[stage]["fresh"] for stage in stages if stage in rows]
        wrong, spread = [100 - s["mean"] for s in scores], [s["std"] for s in scores]
        ends.errorbar(places, wrong, spread, fmt="o-", color=MODEL_COLOURS[model], capsize=1.5)
    ends.set_xticks(range(len(stages)), list(stages.values()))
    ends.set(title="After the last step", xlabel="Training data and steps", yscale="log")
    ends.set_ylabel("Wrong of fresh rows (%)")
    ends.set(xlim=(-0.3, len(stages) - 0.7), ylim=(1, 100))
    ends.yaxis.set_major_formatter("{x:g}")
    for axis, human in ((curves, result["human"]), (ends, 100 - result["human"])):
        axis.axhline(human, color=COLOURS["grey"], lw=0.9, zorder=0, label="human")
    curves.legend(loc="lower right", ncols=2)
    return figure
