"""What has been published about MNIST-1D, statement by statement, and what our results say of it.

A study emits claims, each with a verdict by a rule of its own (`evidence.results.Claim`). A
statement is decided by one or several of them:

- reproduced, when all of them are; refuted, when none is reproduced, not even partly; else partly;
- tests that were not possible here are left aside, and a statement with no other is not testable;
- a statement that its author took back stays retracted, whatever we find;
- "so far" when some of its tests were not run yet.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mnist1d_hf.evidence.results import VERDICTS

NOT_RUN = "not run yet"
OUTCOMES = (*VERDICTS, NOT_RUN)
Results = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Statement:
    """A statement, where it was made, and the claims of our studies that decide it."""

    id: str
    text: str
    source: str
    study: str | None  # the one that tests it
    tests: tuple[str, ...] = ()  # ids of claims; by default the statement's own
    note: str = ""  # why it is retracted, or cannot be tested
    retracted: bool = False

    def decided_by(self) -> tuple[str, ...]:
        return self.tests or (self.id,)

    def concerns(self, claim_id: str) -> bool:
        """Whether a claim decides the statement or adds to it: M2-tuned adds to M2."""
        return claim_id == self.id or claim_id.startswith(f"{self.id}-")


def _each(prefix: str, *ends: str) -> tuple[str, ...]:
    return tuple(f"{prefix}-{end}" for end in ends)


BENCHMARK, TICKETS = "paper, table 1; README", "paper, finding lottery tickets; blog"
DESCENT, RATE = "paper, double descent", "paper, metalearning a learning rate; blog"
FUNCTION, SIMCLR = "paper, metalearning an activation function", "paper, self-supervised learning"
POOLING = "paper, benchmarking pooling methods; blog"
FOUR = ("logistic", "mlp", "cnn", "gru")
STATEMENTS = (
    Statement(
        "C1",
        "models separate: logistic 32, MLP 68, GRU 91, CNN 94 % on plain signals",
        BENCHMARK,
        "classification",
        (*(f"C1-{model}-{data}" for data in ("default", "shuffled") for model in FOUR), "C1-order"),
    ),
    Statement(
        "C2",
        "shuffling the columns costs CNN and GRU some 35 points, MLP and logistic none",
        BENCHMARK,
        "classification",
    ),
    Statement("C3", "human and CNN find the same digits hard", "blog", "classification"),
    Statement("C4", "the human is better than the CNN", BENCHMARK, "classification"),
    Statement(
        "C5",
        "the human gets about 30 % of shuffled signals right",
        BENCHMARK,
        None,
        note="no answers are published, and it takes a person: `mnist1d-hf quiz shuffled`",
    ),
    Statement(
        "C6",
        "MNIST is nearly separable in pixel space, MNIST-1D is not",
        "paper, figure 2",
        "tsne",
    ),
    Statement(
        "C7",
        "examples 20 times smaller than MNIST's, data 100 times smaller than CIFAR's; every "
        "experiment takes minutes to an hour",
        "paper; blog",
        "cost",
        _each("C7", "examples", "data", "time"),
    ),
    Statement(
        "L-a",
        "at high sparsity tickets beat random pruning, which does not improve on the dense network",
        TICKETS,
        "lottery_tickets",
    ),
    Statement(
        "L-b", "tickets beat the dense network even above 95 % sparsity", TICKETS, "lottery_tickets"
    ),
    Statement(
        "L-c",
        "on new data the 92 % ticket ends near 70 %, dense near 64 %, random near 59 %",
        TICKETS,
        "lottery_tickets",
    ),
    Statement("L-d", "flipping the data keeps the advantage", TICKETS, "lottery_tickets"),
    Statement(
        "L-e",
        "shuffling the columns makes the ticket worse than the dense network",
        TICKETS,
        "lottery_tickets",
    ),
    Statement(
        "L-f",
        "with new first weights the ticket still beats the dense network",
        TICKETS,
        "lottery_tickets",
    ),
    Statement("L-g", "tickets have more adjacent weights than chance", TICKETS, "lottery_tickets"),
    Statement(
        "L-h",
        "tickets hold a spatial prior, between a perceptron and a convolution",
        TICKETS,
        "lottery_tickets",
    ),
    Statement(
        "D1",
        "the interpolation threshold lies at n parameters with NLL, at n K with MSE",
        "arXiv v1 and blog, 2020",
        "interpolation",
        _each("D1", "nll", "mse"),
        note="taken back by its author in January 2024, and not in the paper since",
        retracted=True,
    ),
    Statement(
        "D2",
        "with 15 % label noise the MLP's test error peaks near 50 hidden units",
        DESCENT,
        "double_descent",
    ),
    Statement("D3", "without label noise there is no peak", DESCENT, "double_descent"),
    Statement("D4", "a CNN shows double descent as well", DESCENT, "double_descent"),
    Statement(
        "M1",
        "the optimal learning rate is 0.62, and the search finds it regardless of initialization",
        RATE,
        "metalearn_lr",
        _each("M1", "trace", "optimum", "regardless"),
    ),
    Statement(
        "M2",
        "the learned activation beats the best baseline by more than 5 points",
        FUNCTION,
        "activation_transfer",
        ("M2",),
    ),
    Statement(
        "M3",
        "it is not monotonic, has two extrema, and is positive between -4 and -1",
        FUNCTION,
        "metalearn_activation",
    ),
    Statement(
        "M4",
        "a piecewise-linear copy made by hand keeps most of the gain",
        FUNCTION,
        "activation_transfer",
    ),
    Statement(
        "M5",
        "in CNNs on MNIST and CIFAR-10 it has the best early loss and ends mid-pack",
        "blog",
        "activation_transfer",
        _each("M5", "early-mnist-cifar10", "final-mnist-cifar10"),
        note="MNIST and CIFAR-10 could not be loaded where this ran",
    ),
    Statement("M6", "it is Swish-like", "README", "metalearn_activation"),
    Statement(
        "S1",
        "linear accuracy is above 82 % before the projector, and higher than after it",
        SIMCLR,
        "self_supervised",
    ),
    Statement(
        "S2",
        "accuracy peaks inside the network; without projector at layer 1; a deep projector lowers "
        "the end",
        SIMCLR,
        "self_supervised",
    ),
    Statement("S3", "classes 0, 3, 6 and 8 are isolated", SIMCLR, "self_supervised"),
    Statement("P1", "pooling helps when data are few", POOLING, "pooling", ("P1",)),
    Statement("P2", "the gain is from pooling, not from striding", POOLING, "pooling", ("P2",)),
    Statement(
        "P3",
        "when data are many pooling does not matter (README), and even hinders (blog)",
        POOLING,
        "pooling",
        _each("P3", "no-matter", "hinders"),
    ),
    Statement(
        "P4",
        "max pooling is worse than L2 pooling when data are many",
        "blog",
        "pooling",
        ("P4",),
    ),
)


def all_claims(results: Results) -> dict[str, dict[str, Any]]:
    """The claims of all results by id, each with the `study` it is from."""
    return {
        claim["id"]: {**claim, "study": study}
        for study, result in sorted(results.items())
        for claim in result.get("claims", [])
    }


def outcome(statement: Statement, claims: Mapping[str, Mapping[str, Any]]) -> tuple[str, bool]:
    """One of OUTCOMES, by the rules above, and whether all tests of the statement were run."""
    found = [claims[id]["verdict"] for id in statement.decided_by() if id in claims]
    whole = len(found) == len(statement.decided_by())
    testable = [verdict for verdict in found if verdict != "not testable"]
    if statement.retracted:
        return "retracted", whole
    if statement.study is None or (found and not testable):
        return "not testable", True
    if not testable:
        return NOT_RUN, True
    if set(testable) == {"reproduced"}:
        return "reproduced", whole
    return ("refuted" if set(testable) == {"refuted"} else "partly"), whole


def outcomes(results: Results) -> dict[str, list[str]]:
    """The statements by outcome, in the order of OUTCOMES."""
    claims = all_claims(results)
    by_outcome: dict[str, list[str]] = {name: [] for name in OUTCOMES}
    for statement in STATEMENTS:
        by_outcome[outcome(statement, claims)[0]].append(statement.id)
    return {name: ids for name, ids in by_outcome.items() if ids}
