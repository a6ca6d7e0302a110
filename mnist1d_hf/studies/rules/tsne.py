"""Rules of the study tsne: what its result says of each claim."""

from typing import Any

from mnist1d_hf.evidence.published import read_published
from mnist1d_hf.evidence.results import Finding, grade

SOURCE = "paper, figure 2; notebook tsne-mnist-vs-mnist1d"
NAMES = {
    "mnist1d": "MNIST-1D",
    "mnist": "MNIST",
    "digits": "8x8 digits of scikit-learn (no MNIST at hand)",
}
PUBLISHED_KL, PUBLISHED_KNN = (read_published("tsne")[name] for name in ("kl", "knn"))


def judge(result: dict[str, Any]) -> list[Finding]:
    """The verdicts; the rules were fixed before the run."""
    datasets = result["datasets"]
    ours, (other, reference) = datasets["mnist1d"], list(datasets.items())[1]
    kl = ours["final_kl"]
    separable = reference["knn_pixels"] > 95 and reference["knn_embedding"]["mean"] > 95
    mixed = ours["knn_pixels"] < 65 and ours["knn_embedding"]["mean"] < 65
    return [
        Finding(
            id="T-kl",
            claim="the final KL divergence of MNIST-1D",
            source=SOURCE,
            published=PUBLISHED_KL["mnist1d"][-1],
            ours=kl["mean"],
            n=kl["n"],
            std=kl["std"],
            rule="mean over seeds within 0.05",
            verdict=grade(abs(kl["mean"] - PUBLISHED_KL["mnist1d"][-1]) < 0.05),
        ),
        Finding(
            id="C6",
            claim="MNIST is nearly separable in pixel space, MNIST-1D is not",
            source=SOURCE,
            published={"nearest neighbours on the pixels of MNIST-1D, %": PUBLISHED_KNN},
            ours={
                NAMES[name]: {
                    "nearest neighbours on the pixels, %": round(one["knn_pixels"], 2),
                    "on the embedding, %": round(one["knn_embedding"]["mean"], 2),
                }
                for name, one in datasets.items()
            },
            n=kl["n"],
            rule="MNIST above 95 % both times and MNIST-1D below 65 %; partly when the reference "
            "is not MNIST itself",
            verdict="refuted"
            if not (mixed and separable)
            else "reproduced"
            if other == "mnist"
            else "partly",
        ),
    ]
