"""What has been published about MNIST-1D, claim by claim, and which findings decide each claim.

A study emits findings, each with a verdict by a rule of its own (`evidence.results.Finding`); what
they say of a claim together is in `evidence.outcomes`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """A claim, where it was made, and the findings of our studies that decide it."""

    id: str
    text: str
    source: str
    study: str | None  # the one that tests it
    tests: tuple[str, ...] = ()  # ids of findings; by default the claim's own
    note: str = ""  # beside its verdict: why it is retracted or cannot be tested, for example
    retracted: bool = False

    def decided_by(self) -> tuple[str, ...]:
        return self.tests or (self.id,)

    def concerns(self, claim_id: str) -> bool:
        """Whether a finding decides the claim or adds to it: M2-tuned adds to M2."""
        return claim_id == self.id or claim_id.startswith(f"{self.id}-")


def _each(prefix: str, *ends: str) -> tuple[str, ...]:
    return tuple(f"{prefix}-{end}" for end in ends)


BENCHMARK, TICKETS = "paper, table 1; README", "paper, finding lottery tickets; blog"
DESCENT, RATE = "paper, double descent", "paper, metalearning a learning rate; blog"
FUNCTION, SIMCLR = "paper, metalearning an activation function", "paper, self-supervised learning"
POOLING = "paper, benchmarking pooling methods; blog"
FOUR = ("logistic", "mlp", "cnn", "gru")
HERE = "MNIST by 5000 of its digits; CIFAR-10 could not be loaded where this ran"
CLAIMS = (
    Claim(
        "C1",
        "models separate: logistic 32, MLP 68, GRU 91, CNN 94 % on plain signals, and 32, 68, 57, "
        "56 % on shuffled ones",
        BENCHMARK,
        "classification",
        (*(f"C1-{model}-{data}" for data in ("default", "shuffled") for model in FOUR), "C1-order"),
    ),
    Claim(
        "C2",
        "shuffling the columns costs CNN and GRU some 35 points, MLP and logistic none",
        BENCHMARK,
        "classification",
    ),
    Claim(
        "C3",
        "human and CNN make the same mistakes: the same digits and signals are hard",
        "the notebook building-mnist1d says so of digits; of signals it is our question",
        "classification",
    ),
    Claim("C4", "the human is better than the CNN", BENCHMARK, "classification"),
    Claim(
        "C5",
        "the human gets about 30 % of shuffled signals right",
        BENCHMARK,
        None,
        note="no answers are published, and it takes a person: `mnist1d-hf quiz shuffled`",
    ),
    Claim(
        "C6",
        "MNIST is nearly separable in pixel space, MNIST-1D is not",
        "paper, figure 2",
        "tsne",
    ),
    Claim(
        "C7",
        "examples 20 times smaller than MNIST's, data more than 100 times smaller than MNIST; "
        "every experiment takes minutes to an hour",
        "paper; blog",
        "cost",
        _each("C7", "examples", "data", "time"),
    ),
    Claim(
        "C8",
        "MNIST-1D tells linear, nonlinear and convolutional models apart more clearly than MNIST",
        "paper, table 1; abstract of arXiv v1",
        "mnist",
        _each("C8", "linear", "translation"),
    ),
    Claim(
        "C9",
        "all models but logistic regression reach 100 % training accuracy",
        "paper, text on table 1",
        "classification",
        _each("C9", "default", "shuffled"),
    ),
    Claim("C10", "after shuffling the MLP is the best model", BENCHMARK, "classification"),
    Claim(
        "C11",
        "on MNIST logistic regression reaches 94 %, MLP, CNN and GRU above 99 %",
        BENCHMARK,
        "mnist",
        _each("C11", *FOUR),
        note="it takes all 60,000 training rows of MNIST: "
        "`mnist1d-hf study mnist --source hub --scale paper --out out/mnist`",
    ),
    Claim("C12", "the GRU takes at least ten times the CNN's time", "README", "classification"),
    Claim(
        "L-a",
        "at high sparsity tickets beat random pruning, which does not improve on the dense network",
        TICKETS,
        "lottery_tickets",
    ),
    Claim(
        "L-b", "tickets beat the dense network even above 95 % sparsity", TICKETS, "lottery_tickets"
    ),
    Claim(
        "L-c",
        "on new data the 92 % ticket ends above the dense network, and random pruning below it "
        "(70, 64 and 59 %)",
        TICKETS,
        "lottery_tickets",
    ),
    Claim("L-d", "on flipped data the ticket continues to win", TICKETS, "lottery_tickets"),
    Claim(
        "L-e",
        "shuffling the columns makes the ticket worse than the dense network",
        TICKETS,
        "lottery_tickets",
    ),
    Claim(
        "L-f",
        "with new first weights the ticket still beats the dense network",
        TICKETS,
        "lottery_tickets",
    ),
    Claim("L-g", "tickets have more adjacent weights than chance", TICKETS, "lottery_tickets"),
    Claim(
        "L-h",
        "tickets hold a spatial prior, between a perceptron and a convolution",
        TICKETS,
        "lottery_tickets",
    ),
    Claim(
        "L-i",
        "spatial priors form a continuum between a perceptron and a convolution",
        "blog; paper, finding lottery tickets",
        "spatial_prior",
        ("L-i",),
    ),
    Claim(
        "L-j",
        "shuffling the columns hurts the ticket more than flipping the data",
        "blog",
        "lottery_tickets",
    ),
    Claim(
        "D1",
        "the interpolation threshold lies at n parameters with NLL, at n K with MSE",
        "arXiv v1 and blog, 2020",
        "interpolation",
        _each("D1", "nll", "mse"),
        note="taken back by its author in January 2024, and not in the paper since",
        retracted=True,
    ),
    Claim(
        "D2",
        "with 15 % label noise the MLP's test error peaks near 50 hidden units",
        DESCENT,
        "double_descent",
    ),
    Claim("D3", "without label noise there is no peak", DESCENT, "double_descent"),
    Claim("D4", "a CNN shows double descent as well", DESCENT, "double_descent"),
    Claim(
        "M1",
        "the optimal learning rate is 0.62, and the search finds it regardless of initialization",
        RATE,
        "metalearn_lr",
        _each("M1", "optimum", "regardless"),
        note="that the printed searches come out again (M1-trace) tests the code, not the claim",
    ),
    Claim(
        "M2",
        "the learned activation beats the best baseline by more than 5 points",
        FUNCTION,
        "activation_transfer",
        ("M2",),
    ),
    Claim(
        "M3",
        "it is not monotonic, has two extrema, and is positive between -4 and -1",
        FUNCTION,
        "metalearn_activation",
    ),
    Claim(
        "M4",
        "a piecewise-linear copy made by hand keeps most of the gain",
        FUNCTION,
        "activation_transfer",
    ),
    Claim(
        "M5",
        "in CNNs on MNIST and CIFAR-10 it is especially good at a low training loss early, and "
        "ends mid-pack by test loss",
        "blog",
        "activation_transfer",
        _each("M5", "early-mnist-cifar10", "final-mnist-cifar10"),
        note=HERE,
    ),
    Claim("M6", "it somewhat resembles Swish", "README", "metalearn_activation"),
    Claim(
        "M7",
        "a weight decay can be metalearned as a learning rate can",
        RATE,
        "metalearn_decay",
        ("M7",),
    ),
    Claim(
        "M8",
        "in these CNNs it is in the end a bit worse than ReLU, Swish and ELU",
        "notebook metalearn-activation-function",
        "activation_transfer",
        ("M8-mnist-cifar10",),
        note=HERE,
    ),
    Claim(
        "S1",
        "linear accuracy is above 82 % before the projector, and higher than after it",
        SIMCLR,
        "self_supervised",
    ),
    Claim(
        "S2",
        "accuracy peaks inside the network; without projector at layer 1; a deep projector lowers "
        "the end",
        SIMCLR,
        "self_supervised",
    ),
    Claim("S3", "classes 0, 3, 6 and 8 are isolated", SIMCLR, "self_supervised"),
    Claim("P1", "pooling helps when data are few", POOLING, "pooling", ("P1",)),
    Claim("P2", "the gain is from pooling, not from striding", POOLING, "pooling", ("P2",)),
    Claim(
        "P3",
        "when data are many pooling does not matter (blog text), and even hinders (captions)",
        POOLING,
        "pooling",
        _each("P3", "no-matter", "hinders"),
    ),
    Claim(
        "P4",
        "max pooling is worse than L2 pooling when data are many",
        "blog",
        "pooling",
        ("P4",),
    ),
    Claim(
        "P5",
        "the advantage of pooling diminishes as training data increase",
        "README",
        "pooling",
        ("P5",),
    ),
)
