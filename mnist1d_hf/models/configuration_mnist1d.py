"""Configurations of the six MNIST-1D classifiers: one model type per architecture."""

from transformers import PreTrainedConfig


class Mnist1DPreTrainedConfig(PreTrainedConfig):
    """What all six share: the length of a signal and, through `num_labels`, the number of classes.

    Classes are named "0", "1", ... as in the dataset. Raises ValueError for a length below 1,
    fewer than two classes, or the saved configuration of another architecture.
    """

    model_type = "mnist1d"

    final_seq_length: int = 40

    def __post_init__(self, **kwargs):
        if self.id2label is None:
            self.id2label = {i: str(i) for i in range(kwargs.pop("num_labels", 10))}
        if self.label2id is None:
            self.label2id = {name: int(i) for i, name in self.id2label.items()}
        super().__post_init__(**kwargs)
        if self.final_seq_length < 1:
            raise ValueError(f"final_seq_length={self.final_seq_length}: must be at least 1")
        if len(self.id2label) < 2:
            raise ValueError(f"num_labels={self.num_labels}: a classifier needs at least 2")

    @classmethod
    def from_dict(cls, config_dict, **kwargs):
        saved = config_dict.get("model_type", cls.model_type)
        if saved != cls.model_type:  # transformers only warns, and starts from random weights
            raise ValueError(
                f"this is a checkpoint of model type {saved!r}, not {cls.model_type!r}: load it "
                "with AutoModelForSequenceClassification, which finds the right class"
            )
        if not cls.__module__.startswith("transformers_modules"):
            # a published model brings the pipeline for those who have only these files; where the
            # package has registered it, `pipeline` would still ask to trust the remote one
            config_dict = {k: v for k, v in config_dict.items() if k != "custom_pipelines"}
        return super().from_dict(config_dict, **kwargs)


class Mnist1DLogisticConfig(Mnist1DPreTrainedConfig):
    """Logistic regression: 410 parameters by default (`LinearBase` of the paper's notebooks)."""

    model_type = "mnist1d_logistic"


class Mnist1DMLPConfig(Mnist1DPreTrainedConfig):
    """A residual multi-layer perceptron: 15210 parameters by default (`MLPBase`)."""

    model_type = "mnist1d_mlp"

    hidden_size: int = 100
    num_hidden_layers: int = 2  # every one after the first adds to its input
    hidden_act: str = "relu"  # any of transformers', or "mnist1d_learned", "mnist1d_piecewise"


class Mnist1DCNNConfig(Mnist1DPreTrainedConfig):
    """A strided convolutional network: 5210 parameters by default (`ConvBase`)."""

    model_type = "mnist1d_cnn"

    hidden_size: int = 25  # channels of every convolution
    kernel_sizes: tuple[int, ...] | list[int] = (5, 3, 3)  # one convolution each, stride 2
    hidden_act: str = "relu"  # any of transformers', or "mnist1d_learned", "mnist1d_piecewise"


class Mnist1DGRUConfig(Mnist1DPreTrainedConfig):
    """A recurrent network that reads all its outputs: 5134 parameters by default (`GRUBase`)."""

    model_type = "mnist1d_gru"

    hidden_size: int = 6  # per direction
    bidirectional: bool = True


class Mnist1DTransformerConfig(Mnist1DPreTrainedConfig):
    """A pre-norm Transformer encoder behind a convolutional stem (not in the paper)."""

    model_type = "mnist1d_transformer"

    hidden_size: int = 64
    num_hidden_layers: int = 4
    num_attention_heads: int = 4
    intermediate_size: int = 128
    kernel_size: int = 5  # of the stem's first convolution

    def __post_init__(self, **kwargs):
        super().__post_init__(**kwargs)
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
    # one residual block each: together they see 15 points, of which a digit takes at most 10
    dilations: tuple[int, ...] | list[int] = (1, 2)
