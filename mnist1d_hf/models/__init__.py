"""The six MNIST-1D classifiers; importing this package registers them with transformers.

>>> import mnist1d_hf.models
>>> from transformers import AutoConfig, AutoModelForSequenceClassification
>>> config = AutoConfig.for_model("mnist1d_cnn", final_seq_length=72)
>>> AutoModelForSequenceClassification.from_config(config).num_parameters()
6210
"""

from dataclasses import fields
from typing import Any

from mnist1d_hf.extras import require

require("train", "torch", "transformers")

from transformers import (
    AutoConfig,
    AutoFeatureExtractor,
    AutoModel,
    AutoModelForSequenceClassification,
    PreTrainedConfig,
)
from transformers.pipelines import PIPELINE_REGISTRY

from mnist1d_hf.seeds import seeded

from .configuration_mnist1d import Mnist1DCNNConfig as Mnist1DCNNConfig
from .configuration_mnist1d import Mnist1DGRUConfig as Mnist1DGRUConfig
from .configuration_mnist1d import Mnist1DLogisticConfig as Mnist1DLogisticConfig
from .configuration_mnist1d import Mnist1DMLPConfig as Mnist1DMLPConfig
from .configuration_mnist1d import Mnist1DPreTrainedConfig as Mnist1DPreTrainedConfig
from .configuration_mnist1d import Mnist1DTCNConfig as Mnist1DTCNConfig
from .configuration_mnist1d import Mnist1DTransformerConfig as Mnist1DTransformerConfig
from .feature_extraction_mnist1d import Mnist1DFeatureExtractor as Mnist1DFeatureExtractor
from .modeling_mnist1d import (
    Mnist1DCNNForSequenceClassification as Mnist1DCNNForSequenceClassification,
)
from .modeling_mnist1d import (
    Mnist1DGRUForSequenceClassification as Mnist1DGRUForSequenceClassification,
)
from .modeling_mnist1d import (
    Mnist1DLogisticForSequenceClassification as Mnist1DLogisticForSequenceClassification,
)
from .modeling_mnist1d import (
    Mnist1DMLPForSequenceClassification as Mnist1DMLPForSequenceClassification,
)
from .modeling_mnist1d import Mnist1DPreTrainedModel as Mnist1DPreTrainedModel
from .modeling_mnist1d import (
    Mnist1DTCNForSequenceClassification as Mnist1DTCNForSequenceClassification,
)
from .modeling_mnist1d import (
    Mnist1DTransformerForSequenceClassification as Mnist1DTransformerForSequenceClassification,
)
from .pipeline_mnist1d import TimeSeriesClassificationPipeline as TimeSeriesClassificationPipeline

# short name -> configuration and model, in the order of the paper's table
ARCHITECTURES: dict[str, tuple[type[Mnist1DPreTrainedConfig], type[Mnist1DPreTrainedModel]]] = {
    "logistic": (Mnist1DLogisticConfig, Mnist1DLogisticForSequenceClassification),
    "mlp": (Mnist1DMLPConfig, Mnist1DMLPForSequenceClassification),
    "cnn": (Mnist1DCNNConfig, Mnist1DCNNForSequenceClassification),
    "gru": (Mnist1DGRUConfig, Mnist1DGRUForSequenceClassification),
    "transformer": (Mnist1DTransformerConfig, Mnist1DTransformerForSequenceClassification),
    "tcn": (Mnist1DTCNConfig, Mnist1DTCNForSequenceClassification),
}


def new_model(name: str, seed: int, **sizes: Any) -> Mnist1DPreTrainedModel:
    """A new model in training mode, with the initial weights that belong to `seed`.

    The weights are those that torch draws after `torch.manual_seed(seed)`; the state of torch's
    global generator is not changed.

    Args:
        name: one of ARCHITECTURES.
        seed: seed of the initial weights.
        sizes: fields of the model's configuration, such as hidden_size=50.

    Raises:
        ValueError: the name or a field is unknown; the message lists the valid ones.

    >>> new_model("mlp", seed=0, hidden_size=50).num_parameters()
    5110
    """
    if name not in ARCHITECTURES:
        raise ValueError(f"model {name!r}: must be one of {', '.join(ARCHITECTURES)}")
    config_class, model_class = ARCHITECTURES[name]
    # transformers would keep an unknown keyword as an attribute, without a warning
    known = {field.name for field in fields(config_class)} | {"num_labels"}
    if unknown := sorted(set(sizes) - known):
        own = sorted(known - {field.name for field in fields(PreTrainedConfig)})
        raise ValueError(
            f"unknown {', '.join(unknown)} of {config_class.__name__}: its own fields are "
            f"{', '.join(own)}"
        )
    with seeded(seed):
        return model_class(config_class(**sizes)).train()


for _config, _model in ARCHITECTURES.values():
    AutoConfig.register(_config.model_type, _config)
    AutoModelForSequenceClassification.register(_config, _model)
    AutoModel.register(_config, _model)  # there is no variant without the classifier
    AutoFeatureExtractor.register(_config, Mnist1DFeatureExtractor)
    # saving copies the code beside the weights, for users without this package
    _config.register_for_auto_class()
    _model.register_for_auto_class("AutoModelForSequenceClassification")
Mnist1DFeatureExtractor.register_for_auto_class()
PIPELINE_REGISTRY.register_pipeline(
    "time-series-classification",
    pipeline_class=TimeSeriesClassificationPipeline,
    pt_model=AutoModelForSequenceClassification,
)
