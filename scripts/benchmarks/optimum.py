"""The exact optimum: rows a second, memory, and the same components by SciPy's own densities."""

import subprocess
import sys

import numpy as np
from benchmarks.timing import best_of, row
from scipy.stats import Covariance, multivariate_normal

from mnist1d_hf.signals.components import normals
from mnist1d_hf.signals.counter import TEST_START
from mnist1d_hf.signals.frame import frame
from mnist1d_hf.signals.generate import make_range
from mnist1d_hf.signals.params import SignalParams
from mnist1d_hf.signals.posterior import class_posterior, latent_posterior, log_density
from mnist1d_hf.signals.templates import templates

# SciPy takes seconds for so many rows.
FEW = 200


def measure(rounds: int, n: int) -> list[dict]:
    """What was measured, a row each, at the default noise and at five times as much."""
    return [
        *speed(rounds, n, 0.02, ">= 5,000"),
        *speed(rounds, n, 0.1, ">= 500"),
        *(memory(noise, n) for noise in (0.02, 0.1)),
    ]


def speed(rounds: int, n: int, noise: float, target: str) -> list[dict]:
    params = SignalParams(stream="counter", iid_noise_scale=noise)
    x, _ = make_range(params, TEST_START, TEST_START + n)
    few = x[:FEW]
    signals = frame(params).undo(few)
    parts = [
        (means, [Covariance.from_cholesky(np.linalg.cholesky(c)) for c in covariances])
        for _, _, means, covariances in normals(params, templates())
    ]

    def scipy() -> None:
        for means, covariances in parts:
            for k, covariance in enumerate(covariances):
                for mean in means[:, k]:
                    multivariate_normal.logpdf(signals, mean, covariance)

    class_posterior(few, params)  # makes the components, which are kept
    best = best_of(
        rounds,
        posterior=lambda: class_posterior(x, params),
        density=lambda: log_density(x, params),
        by_class=lambda: log_density(few, params, by_class=True),
        latents=lambda: latent_posterior(few, params),
        few=lambda: class_posterior(few, params),
    )
    # one evaluation of every component, at one amplitude and slope, where ours integrates
    best |= best_of(1, scipy=scipy, few=lambda: class_posterior(few, params))
    at = f", iid_noise_scale={noise}"
    return [
        row(f"class_posterior{at}", n / best["posterior"], "rows/s", target=target),
        row(f"log_density{at}", n / best["density"], "rows/s", target=target),
        row(f"log_density by class{at}", FEW / best["by_class"], "rows/s"),
        row(f"latent_posterior{at}", FEW / best["latents"], "rows/s"),
        row(
            f"class_posterior{at}",
            best["scipy"] / best["few"],
            "times as fast",
            "multivariate_normal at one amplitude and slope",
        ),
    ]


MEMORY = """
import resource
from mnist1d_hf import SignalParams, class_posterior, make_range
params = SignalParams(stream="counter", iid_noise_scale={noise})
class_posterior(make_range(params, 0, {n})[0], params)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)
"""


def memory(noise: float, n: int) -> dict:
    code = MEMORY.format(noise=noise, n=n)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    what = f"class_posterior, {n:,} rows, iid_noise_scale={noise}"
    return row(what, float(done.stdout), "MB at most", target="< 500")
