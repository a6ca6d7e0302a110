"""Rules of the study interpolation: what its result says of each claim."""

from typing import Any

import numpy as np

from mnist1d_hf.evidence.results import Finding

SOURCE = "arXiv 2011.14439 v1 and blog post of 2020, double descent; retracted by the author, 2024"
LOSSES = {"cross_entropy": "NLL", "mse": "MSE"}


def judge(result: dict[str, Any]) -> list[Finding]:
    """The verdicts; the rules were fixed before the run."""
    curves, fits = result["curves"], result["fits"]
    findings = []
    for loss, power in (("cross_entropy", 0), ("mse", 1)):
        if loss not in fits:
            continue
        law = fits[loss]["threshold"]
        ratios = [
            np.log(value / (curve["train_size"] * curve["classes"] ** power))
            for curve in curves
            if curve["loss"] == loss
            for value in curve["threshold"]
            if value is not None
        ]
        factor = float(np.exp(np.mean(ratios))) if ratios else None
        verdict = "not testable"
        if law and factor:
            grows = abs(law["b"] - 1) <= 0.2 and abs(law["c"] - power) <= 0.2
            verdict = "partly" if grows else "refuted"
            if grows and 0.5 <= factor <= 2:
                verdict = "reproduced"
        formula = "n K" if power else "n"
        findings.append(
            Finding(
                id=f"D1-{LOSSES[loss].lower()}",
                claim=f"with {LOSSES[loss]} the interpolation threshold is at {formula} parameters",
                source=SOURCE,
                published={"exponent of n": 1, "exponent of K": power},
                ours={
                    f"threshold / ({formula}), geometric mean": factor,
                    "power law": law,
                    "power law of the loss threshold": fits[loss]["loss_threshold"],
                },
                n=len(ratios),
                std=float(np.std(ratios, ddof=1)) if len(ratios) > 1 else None,
                rule="threshold: training error 1 %. Both exponents within 0.2: partly; and the "
                f"threshold within a factor of 2 of {formula} on average: reproduced",
                verdict=verdict,
            )
        )
    return findings
