"""Configurations of the six MNIST-1D classifiers: one model type per architecture."""

from collections.abc import Mapping
from numbers import Integral
from typing import Any

from transformers import PreTrainedConfig

from .activation_mnist1d import activation

# fields that hold a positive integer, and fields that hold one for each layer
SIZES = (
    "final_seq_length", "hidden_size", "intermediate_size",
    "num_hidden_layers", "num_attention_heads", "kernel_size",
)  # fmt: skip
MOST = 2**31 - 1  # of a size; torch counts the elements of a layer in 64 bits
SIZES_PER_LAYER = ("kernel_sizes", "dilations")


class Mnist1DPreTrainedConfig(PreTrainedConfig):
    """Base of the six configurations: the length of a signal, and the names of the classes.

    Classes are named "0", "1", ... as in the dataset, unless `id2label` or `label2id` name them.

    Raises ValueError for an invalid size, fewer than two classes, contradictory class names, or the
    saved configuration of another architecture.
    """

    model_type = "mnist1d"

    final_seq_length: int = 40

    def __post_init__(self, **kwargs):
        num_labels = kwargs.pop("num_labels", None)
        if num_labels is not None:
            num_labels = check_size("num_labels", num_labels, least=2)
        for name, example in (("id2label", "{0: 'a', 1: 'b'}"), ("label2id", "{'a': 0, 'b': 1}")):
            given = getattr(self, name)
            if not isinstance(given, Mapping | None):
                raise ValueError(f"{name}={given!r}: must be a dictionary such as {example}")
        if self.id2label is None and self.label2id is not None:
            if len(set(self.label2id.values())) < len(self.label2id):
                raise ValueError(f"label2id={self.label2id}: two names have the same number")
            self.id2label = {int(i): str(name) for name, i in self.label2id.items()}
        if self.id2label is None:
            self.id2label = digits(num_labels or 10)
        elif num_labels not in (None, len(self.id2label)):
            raise ValueError(f"num_labels={num_labels}: there are {len(self.id2label)} names")
        super().__post_init__(**kwargs)
        names = {str(name): int(i) for i, name in self.id2label.items()}
        # the classes of an existing model may have been renamed through id2label only
        if self.label2id in (None, {name: i for i, name in digits(len(names)).items()}):
            self.label2id = names
        self.check()

    # settable, because from_pretrained(num_labels=3) changes the number of classes of a saved model
    @property
    def num_labels(self) -> int:
        """Number of classes; setting it names the classes "0", "1", ... anew."""
        return len(self.id2label or {})

    @num_labels.setter
    def num_labels(self, num_labels: int):
        if num_labels != self.num_labels:
            self.id2label = digits(check_size("num_labels", num_labels, least=2))
            self.label2id = {name: i for i, name in self.id2label.items()}

    def check(self):
        """ValueError when a field breaks its rule; subclasses add rules for their own fields."""
        for name in SIZES:
            if hasattr(self, name):
                setattr(self, name, check_size(name, getattr(self, name)))
        for name in SIZES_PER_LAYER:
            if hasattr(self, name):
                setattr(self, name, check_sizes(name, getattr(self, name)))
        if hasattr(self, "hidden_act"):
            activation(self.hidden_act)
        named, numbered = self.id2label or {}, self.label2id or {}
        n = len(named)
        if n < 2 or set(named) != set(range(n)):
            raise ValueError(f"id2label={named}: needs a name for 0, 1 and each that follows")
        if numbered != {name: i for i, name in named.items()} or len(numbered) < n:
            raise ValueError(
                f"label2id={numbered}: must be the inverse of id2label={named}, and no two classes "
                "have one name"
            )
        if self.problem_type not in (None, "single_label_classification"):
            raise ValueError(
                f"problem_type={self.problem_type!r}: these models give each signal one class; "
                "leave it out"
            )
        for name in ("output_hidden_states", "output_attentions"):
            if getattr(self, name, False):
                raise ValueError(f"{name}=True: these models return loss and logits alone")

    @classmethod
    def from_dict(cls, config_dict, **kwargs):
        saved = config_dict.get("model_type", cls.model_type)
        if saved != cls.model_type:  # transformers only warns, and starts from random weights
            raise ValueError(
                f"this is a checkpoint of model type {saved!r}, not {cls.model_type!r}: load it "
                "with AutoModelForSequenceClassification, which finds the right class"
            )
        if not cls.__module__.startswith("transformers_modules"):
            # a published model contains the pipeline for users without this package; with the
            # package installed, `pipeline` would still ask for trust_remote_code
            config_dict = {k: v for k, v in config_dict.items() if k != "custom_pipelines"}
        names = {k: kwargs.pop(k) for k in ("id2label", "label2id") if kwargs.get(k)}
        if names or kwargs.get("num_labels") is not None:  # in place of the saved ones
            config_dict = {
                k: v for k, v in config_dict.items() if k not in ("id2label", "label2id")
            }
            config_dict |= names
        found = super().from_dict(config_dict, **kwargs)
        # keywords are set after the configuration has been checked, so it is checked again
        (found[0] if isinstance(found, tuple) else found).check()
        return found


def digits(num_labels: int) -> dict[int, str]:
    """The dataset's names of the classes: {0: "0", 1: "1", ...}."""
    return {i: str(i) for i in range(num_labels)}


def check_size(name: str, value: Any, least: int = 1) -> int:
    """`value` as an int; ValueError unless it is an integer from `least` to `MOST`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"{name}={value!r}: must be an integer, {least} or more")
    if (size := int(value)) > MOST:
        raise ValueError(f"{name}={value!r}: must be an integer, {MOST} or less")
    return size


def check_sizes(name: str, values: Any) -> tuple[int, ...]:
    """`values` as a tuple of positive integers, one for each layer; ValueError otherwise."""
    if not isinstance(values, list | tuple) or not values:
        raise ValueError(f"{name}={values!r}: must be a list of integers, one for each layer")
    return tuple(check_size(f"{name}[{i}]", value) for i, value in enumerate(values))


class Mnist1DLogisticConfig(Mnist1DPreTrainedConfig):
    """Logistic regression: 410 parameters by default (`LinearBase` of the paper's notebooks)."""

    model_type = "mnist1d_logistic"


class Mnist1DMLPConfig(Mnist1DPreTrainedConfig):
    """A residual multi-layer perceptron: 15210 parameters by default (`MLPBase`)."""

    model_type = "mnist1d_mlp"

    hidden_size: int = 100
    num_hidden_layers: int = 2  # all but the first have a residual connection
    hidden_act: str = "relu"  # any of transformers', or "mnist1d_learned", "mnist1d_piecewise"


class Mnist1DCNNConfig(Mnist1DPreTrainedConfig):
    """A strided convolutional network: 5210 parameters by default (`ConvBase`)."""

    model_type = "mnist1d_cnn"

    hidden_size: int = 25  # channels of every convolution
    kernel_sizes: tuple[int, ...] | list[int] = (5, 3, 3)  # one convolution each, stride 2
    hidden_act: str = "relu"  # any of transformers', or "mnist1d_learned", "mnist1d_piecewise"

    def check(self):
        super().check()
        self.lengths()

    def lengths(self) -> list[int]:
        """Lengths of the signal and of each convolution's output.

        Raises ValueError when a kernel is longer than its padded input.
        """
        found = [self.final_seq_length]
        for kernel in self.kernel_sizes:
            padded = found[-1] + 2
            if padded < kernel:
                raise ValueError(
                    f"final_seq_length={self.final_seq_length} is too short for "
                    f"kernel_sizes={self.kernel_sizes}: {found[-1]} points reach a kernel of "
                    f"{kernel}"
                )
            found.append((padded - kernel) // 2 + 1)
        return found


class Mnist1DGRUConfig(Mnist1DPreTrainedConfig):
    """A GRU whose outputs at all steps are classified: 5134 parameters by default (`GRUBase`)."""

    model_type = "mnist1d_gru"

    hidden_size: int = 6  # per direction
    bidirectional: bool = True

    def check(self):
        super().check()
        if not isinstance(self.bidirectional, bool):
            raise ValueError(f"bidirectional={self.bidirectional!r}: must be True or False")


class Mnist1DTransformerConfig(Mnist1DPreTrainedConfig):
    """A pre-norm Transformer encoder behind a convolutional stem (not in the paper)."""

    model_type = "mnist1d_transformer"

    hidden_size: int = 64
    num_hidden_layers: int = 4
    num_attention_heads: int = 4
    intermediate_size: int = 128
    kernel_size: int = 5  # of the stem's first convolution

    def check(self):
        super().check()
        if self.hidden_size % (2 * self.num_attention_heads):
            raise ValueError(
                f"hidden_size={self.hidden_size}: must be a multiple of twice "
                f"num_attention_heads={self.num_attention_heads}"
            )


class Mnist1DTCNConfig(Mnist1DPreTrainedConfig):
    """A temporal convolutional network: dilated residual blocks, no striding (not in the paper)."""

    model_type = "mnist1d_tcn"

    hidden_size: int = 96  # channels of every convolution
    kernel_size: int = 3
    # one residual block each; the receptive field is 15 points, and a digit has at most 10
    dilations: tuple[int, ...] | list[int] = (1, 2)
