"""The six MNIST-1D classifiers, which map signals `x` to `logits`, and to a `loss` given `labels`.

The first four are the models of the MNIST-1D paper (arXiv 2011.14439; `notebooks/models.py` of
its repository), layer by layer: with the same torch seed they have the same initial weights. The
TCN and the Transformer are this package's own.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.utils import can_return_tuple

from .activation_mnist1d import activation
from .configuration_mnist1d import (
    Mnist1DCNNConfig,
    Mnist1DGRUConfig,
    Mnist1DLogisticConfig,
    Mnist1DMLPConfig,
    Mnist1DPreTrainedConfig,
    Mnist1DTCNConfig,
    Mnist1DTransformerConfig,
)


class Mnist1DPreTrainedModel(PreTrainedModel):
    """Base of the six classifiers: checks, loss and initial weights around their `logits`."""

    config: Mnist1DPreTrainedConfig
    classifier: nn.Linear  # the last layer
    main_input_name = "x"
    input_modalities = ["time"]
    accepts_loss_kwargs = False  # the loss is a mean over the batch, so Trainer counts no items

    def __init__(self, config: Mnist1DPreTrainedConfig):
        config.check()  # fields may have been set since the configuration was made
        super().__init__(config)

    def logits(self, x: Tensor) -> Tensor:
        """Logits (batch, num_labels) of signals (batch, final_seq_length)."""
        raise NotImplementedError  # defined by each of the six models

    @can_return_tuple
    def forward(
        self, x: Tensor, labels: Tensor | None = None, **kwargs
    ) -> tuple | SequenceClassifierOutput:
        """Classify signals.

        Args:
            x: (batch, final_seq_length) of any real dtype; converted to the dtype of the weights.
            labels: (batch,) integers, or (batch, num_labels) probabilities as floats.
            return_dict: False to return a tuple.

        Returns:
            `logits` (batch, num_labels) and, given labels, `loss`: the mean cross-entropy.

        Raises:
            ValueError: x or labels have another shape or dtype, or a keyword such as
                `output_attentions` is not supported.
        """
        asked = [name for name, value in kwargs.items() if value is not None and value is not False]
        if asked:
            raise ValueError(
                f"{', '.join(asked)}: this model takes x, labels and return_dict, and returns loss "
                "and logits alone"
            )
        if x.ndim != 2 or x.shape[1] != self.config.final_seq_length:
            raise ValueError(
                f"x has shape {tuple(x.shape)}; this model takes (batch, "
                f"{self.config.final_seq_length}): pass final_seq_length to its configuration, "
                "or generate the data with the same final_seq_length"
            )
        if x.is_complex():
            raise ValueError(f"x has dtype {x.dtype}: must be real, for example x.real")
        if x.dtype != self.classifier.weight.dtype:
            x = x.to(self.classifier.weight.dtype)
        logits = self.logits(x)
        loss = None if labels is None else self.loss(logits, labels)
        return SequenceClassifierOutput(loss=loss, logits=logits)

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Mean cross-entropy; labels are as in `forward`, and rows with label -100 are ignored."""
        if labels.is_floating_point() and labels.shape == logits.shape:
            return F.cross_entropy(logits, labels.to(logits.dtype))
        # Trainer's collators may give labels of shape (batch, 1)
        if labels.is_floating_point() or labels.numel() != len(logits):
            raise ValueError(
                f"labels have shape {tuple(labels.shape)} and dtype {labels.dtype}: must be "
                f"({len(logits)},) integers from 0 to {logits.shape[1] - 1}, or "
                f"{tuple(logits.shape)} probabilities"
            )
        return F.cross_entropy(logits, labels.reshape(-1).long())

    def head(self, features: int) -> nn.Linear:
        """The last layer, from `features` inputs to the logits."""
        return nn.Linear(features, self.config.num_labels)

    @property
    def dummy_inputs(self) -> dict[str, Tensor]:
        return {"x": torch.zeros(2, self.config.final_seq_length)}

    def init_weights(self):
        # torch's layers have initialised themselves. transformers would now draw all weights from
        # N(0, 0.02), which lowers the accuracy of the CNN by 8 percentage points.
        self.tie_weights(recompute_mapping=False)

    @torch.no_grad()
    def _init_weights(self, module):
        # For weights that a checkpoint lacks: from_pretrained builds the model without memory.
        if isinstance(module, nn.Linear | nn.Conv1d | nn.GRU):
            module.reset_parameters()
        else:
            super()._init_weights(module)


class Mnist1DLogisticForSequenceClassification(Mnist1DPreTrainedModel):
    """Logistic regression."""

    config: Mnist1DLogisticConfig

    def __init__(self, config: Mnist1DLogisticConfig):
        super().__init__(config)
        self.classifier = self.head(config.final_seq_length)
        self.post_init()

    def logits(self, x: Tensor) -> Tensor:
        return self.classifier(x)


class Mnist1DMLPForSequenceClassification(Mnist1DPreTrainedModel):
    """The paper's perceptron: all hidden layers but the first have a residual connection."""

    config: Mnist1DMLPConfig

    def __init__(self, config: Mnist1DMLPConfig):
        super().__init__(config)
        widths = [config.final_seq_length] + [config.hidden_size] * config.num_hidden_layers
        self.layers = nn.ModuleList(
            nn.Linear(n_in, n_out) for n_in, n_out in zip(widths, widths[1:], strict=False)
        )
        self.activation = activation(config.hidden_act)
        self.classifier = self.head(widths[-1])
        self.post_init()

    def logits(self, x: Tensor) -> Tensor:
        first, *others = self.layers
        x = self.activation(first(x))
        for layer in others:
            x = x + self.activation(layer(x))
        return self.classifier(x)


class Mnist1DCNNForSequenceClassification(Mnist1DPreTrainedModel):
    """The paper's convolutional network: convolutions of stride 2, then one linear layer."""

    config: Mnist1DCNNConfig

    def __init__(self, config: Mnist1DCNNConfig):
        super().__init__(config)
        channels = [1] + [config.hidden_size] * len(config.kernel_sizes)
        convs = [
            nn.Conv1d(n_in, n_out, kernel, stride=2, padding=1)
            for n_in, n_out, kernel in zip(
                channels, channels[1:], config.kernel_sizes, strict=False
            )
        ]
        self.convs = nn.ModuleList(convs)
        self.activation = activation(config.hidden_act)
        self.classifier = self.head(config.lengths()[-1] * config.hidden_size)
        self.post_init()

    def logits(self, x: Tensor) -> Tensor:
        x = x.unsqueeze(1)  # (batch, 1, length)
        for conv in self.convs:
            x = self.activation(conv(x))
        return self.classifier(x.flatten(1))


class Mnist1DGRUForSequenceClassification(Mnist1DPreTrainedModel):
    """The paper's recurrent network: a GRU, whose outputs at all steps feed one linear layer."""

    config: Mnist1DGRUConfig

    def __init__(self, config: Mnist1DGRUConfig):
        super().__init__(config)
        self.gru = nn.GRU(
            1, config.hidden_size, batch_first=True, bidirectional=config.bidirectional
        )
        directions = 2 if config.bidirectional else 1
        features = directions * config.hidden_size * config.final_seq_length
        self.classifier = self.head(features)
        self.post_init()

    def logits(self, x: Tensor) -> Tensor:
        outputs, _ = self.gru(x.unsqueeze(2))  # (batch, length, directions * hidden_size)
        return self.classifier(outputs.flatten(1))


class Mnist1DTransformerEmbeddings(nn.Module):
    """Two convolutions that give a vector for every second point of a signal."""

    def __init__(self, config: Mnist1DTransformerConfig):
        super().__init__()
        width = config.hidden_size
        self.conv1 = nn.Conv1d(1, width, config.kernel_size, padding="same")
        self.conv2 = nn.Conv1d(width, width, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2(F.gelu(self.conv1(x.unsqueeze(1)))).transpose(1, 2)


def rotations(x: Tensor, size: int) -> Tensor:
    """Cosines and sines (2, length, size / 2) for `rotate`, at the positions of x (batch, length,
    width). A digit may lie anywhere, so attention should depend on distances only."""
    # as in RoFormer (arXiv 2104.09864), but base 100 instead of 10,000: signals are shorter
    rates = 100 ** (-torch.arange(0, size, 2, device=x.device) / size)
    angles = torch.arange(x.shape[1], device=x.device)[:, None] * rates
    return torch.stack([angles.cos(), angles.sin()]).to(x.dtype)


def rotate(x: Tensor, rotation: Tensor) -> Tensor:
    """Rotary embedding: rotate pairs of features of x (..., length, size) by position angles."""
    (cos, sin), (a, b) = rotation, x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


class Mnist1DTransformerLayer(GradientCheckpointingLayer):
    """Pre-norm self-attention and a two-layer perceptron, each with a residual connection."""

    def __init__(self, config: Mnist1DTransformerConfig):
        super().__init__()
        width = config.hidden_size
        self.num_heads = config.num_attention_heads
        self.attention_norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, config.intermediate_size)
        self.down = nn.Linear(config.intermediate_size, width)

    def forward(self, x: Tensor, rotation: Tensor) -> Tensor:
        batch, length, width = x.shape
        qkv = self.query_key_value(self.attention_norm(x))
        qkv = qkv.view(batch, length, 3, self.num_heads, width // self.num_heads)
        qkv = qkv.permute(2, 0, 3, 1, 4)  # (3, batch, heads, length, width / heads)
        (query, key), value = rotate(qkv[:2], rotation), qkv[2]
        attended = F.scaled_dot_product_attention(query, key, value)
        x = x + self.output(attended.transpose(1, 2).reshape(batch, length, width))
        return x + self.down(F.gelu(self.up(self.feed_forward_norm(x))))


class Mnist1DTransformerForSequenceClassification(Mnist1DPreTrainedModel):
    """A Transformer encoder on every second point; classifies the mean and maximum of positions."""

    config: Mnist1DTransformerConfig
    supports_gradient_checkpointing = True

    def __init__(self, config: Mnist1DTransformerConfig):
        super().__init__(config)
        self.embeddings = Mnist1DTransformerEmbeddings(config)
        self.layers = nn.ModuleList(
            Mnist1DTransformerLayer(config) for _ in range(config.num_hidden_layers)
        )
        self.norm = nn.LayerNorm(config.hidden_size)
        self.classifier = self.head(2 * config.hidden_size)
        self.post_init()

    def logits(self, x: Tensor) -> Tensor:
        x = self.embeddings(x)  # (batch, length / 2, hidden_size)
        rotation = rotations(x, self.config.hidden_size // self.config.num_attention_heads)
        for layer in self.layers:
            x = layer(x, rotation)
        x = self.norm(x)
        return self.classifier(torch.cat([x.mean(1), x.amax(1)], dim=1))


class Mnist1DTCNBlock(nn.Module):
    """Two dilated convolutions with a residual connection.

    Gradient checkpointing is not supported: batch norm would count every batch twice.
    """

    def __init__(self, config: Mnist1DTCNConfig, dilation: int):
        super().__init__()
        width, kernel = config.hidden_size, config.kernel_size
        self.conv1 = nn.Conv1d(width, width, kernel, padding="same", dilation=dilation, bias=False)
        self.norm1 = nn.BatchNorm1d(width)
        self.conv2 = nn.Conv1d(width, width, kernel, padding="same", dilation=dilation, bias=False)
        self.norm2 = nn.BatchNorm1d(width)

    def forward(self, x: Tensor) -> Tensor:
        y = F.gelu(self.norm1(self.conv1(x)))
        return F.gelu(x + self.norm2(self.conv2(y)))


class Mnist1DTCNForSequenceClassification(Mnist1DPreTrainedModel):
    """Dilated residual blocks; classifies the mean and maximum over positions."""

    config: Mnist1DTCNConfig

    def __init__(self, config: Mnist1DTCNConfig):
        super().__init__(config)
        self.stem = nn.Conv1d(1, config.hidden_size, config.kernel_size, padding="same")
        self.blocks = nn.ModuleList(Mnist1DTCNBlock(config, d) for d in config.dilations)
        self.classifier = self.head(2 * config.hidden_size)
        self.post_init()

    def logits(self, x: Tensor) -> Tensor:
        x = self.stem(x.unsqueeze(1))  # (batch, hidden_size, length)
        for block in self.blocks:
            x = block(x)
        return self.classifier(torch.cat([x.mean(2), x.amax(2)], dim=1))
