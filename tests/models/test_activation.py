"""The activations of the models: by name, saved with a model, and equal to what the study found."""

import json

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification

from mnist1d_hf.models import (
    ARCHITECTURES,
    Mnist1DCNNConfig,
    Mnist1DCNNForSequenceClassification,
)
from mnist1d_hf.models.activation_mnist1d import (
    LearnedActivation,
    PiecewiseLinearActivation,
    activation,
)
from mnist1d_hf.studies.metalearn_activation import sample

X = np.linspace(-5, 5, 501)


@pytest.fixture(scope="module")
def study(root):
    path = root / "dataset_card" / "results" / "metalearn_activation.json"
    return json.loads(path.read_text())


def test_the_shipped_function_is_the_one_of_seed_0(study):
    ours = LearnedActivation()(torch.tensor(X)).numpy()
    learned = sample(study["searches"][0]["meta"], X)
    assert np.abs(ours - learned).max() <= 1.1 * study["tanh"]["largest_error"]
    assert study["tanh"]["largest_error"] < 1e-3
    assert [list(unit) for unit in LearnedActivation.units] == study["tanh"]["units"]
    assert LearnedActivation.offset == study["tanh"]["offset"]


def test_the_shipped_line_is_its_piecewise_linear_fit(study):
    line = study["lines"][0]
    assert PiecewiseLinearActivation.intercept == line["intercept"]
    assert PiecewiseLinearActivation.slope == line["slope"]
    bends = [list(bend) for bend in zip(line["knots"], line["kinks"], strict=True)]
    assert [list(bend) for bend in PiecewiseLinearActivation.bends] == bends
    far = (
        sample(study["searches"][0]["meta"], X)
        - activation("mnist1d_piecewise")(torch.tensor(X)).numpy()
    )
    assert np.sqrt(np.mean(far**2)) == pytest.approx(line["rms"], abs=1e-3)


def test_transformers_names_and_elu_work_and_others_are_refused():
    x = torch.randn(5)
    assert torch.equal(activation("relu")(x), x.relu())
    assert torch.equal(activation("elu")(x), torch.nn.functional.elu(x))
    with pytest.raises(ValueError, match="hidden_act='rellu': choose one of mnist1d_learned"):
        activation("rellu")


@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
def test_a_model_keeps_its_activation_when_it_is_saved(tmp_path, architecture):
    config, model_class = ARCHITECTURES[architecture]
    torch.manual_seed(0)
    model = model_class(config(hidden_act="mnist1d_learned"))
    x = torch.randn(3, 40)
    torch.manual_seed(0)
    assert not torch.allclose(model(x).logits, model_class(config())(x).logits)
    model.save_pretrained(tmp_path)
    again = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    assert again.config.hidden_act == "mnist1d_learned"
    assert torch.equal(again(x).logits, model(x).logits)
    assert (tmp_path / "activation_mnist1d.py").exists()  # remote code is whole
    assert sum(p.numel() for p in model.parameters()) == {"mlp": 15210, "cnn": 5210}[architecture]


def test_gradients_flow_and_an_unknown_name_is_refused_before_training():
    x = torch.randn(4, requires_grad=True)
    for name in ("mnist1d_learned", "mnist1d_piecewise"):
        (slope,) = torch.autograd.grad(activation(name)(x).sum(), x)
        assert torch.isfinite(slope).all()
    with pytest.raises(ValueError, match="hidden_act='x'"):
        Mnist1DCNNForSequenceClassification(Mnist1DCNNConfig(hidden_act="x"))
