"""The six classifiers: the paper's to the weight, at home in transformers, exportable."""

import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F
from transformers import (
    AutoConfig,
    AutoFeatureExtractor,
    AutoModelForSequenceClassification,
    pipeline,
)

from mnist1d_hf.models import (
    ARCHITECTURES,
    Mnist1DFeatureExtractor,
    Mnist1DPreTrainedConfig,
    Mnist1DTransformerConfig,
)
from mnist1d_hf.models.modeling_mnist1d import rotate, rotations

each = pytest.mark.parametrize("name", ARCHITECTURES)


def build(name, seed=0, **config):
    config_class, model_class = ARCHITECTURES[name]
    torch.manual_seed(seed)
    return model_class(config_class(**config)).eval()


@pytest.fixture
def x():
    return torch.randn(7, 40, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """One folder per architecture, as `save_pretrained` writes it."""
    folder = tmp_path_factory.mktemp("models")
    for name in ARCHITECTURES:
        build(name).save_pretrained(folder / name)
        Mnist1DFeatureExtractor().save_pretrained(folder / name)
    return folder


# ---------------------------------------------------------------- the models of the paper


class ReferenceGRU(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(1, 6, batch_first=True, bidirectional=True)
        self.linear = nn.Linear(480, 10)

    def forward(self, x):
        return self.linear(self.gru(x.view(-1, 40, 1), torch.zeros(2, len(x), 6))[0].flatten(1))


class ReferenceMLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(40, 100), nn.Linear(100, 100)
        self.linear3 = nn.Linear(100, 10)

    def forward(self, x):
        h = self.linear1(x).relu()
        return self.linear3(h + self.linear2(h).relu())


REFERENCES = {
    "logistic": lambda: nn.Linear(40, 10),
    "mlp": ReferenceMLP,
    "cnn": lambda: nn.Sequential(
        nn.Unflatten(1, (1, 40)),
        nn.Conv1d(1, 25, 5, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv1d(25, 25, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv1d(25, 25, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(125, 10),
    ),
    "gru": ReferenceGRU,
}


@pytest.mark.parametrize("name", REFERENCES)
def test_the_papers_models_start_from_the_same_weights_and_compute_the_same(name, x):
    ours = build(name, seed=42)
    torch.manual_seed(42)
    reference = REFERENCES[name]()
    pairs = zip(ours.parameters(), reference.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    torch.testing.assert_close(ours(x).logits, reference(x))


@pytest.mark.parametrize(
    "name, count", [("logistic", 410), ("mlp", 15210), ("cnn", 5210), ("gru", 5134)]
)
def test_published_parameter_counts(name, count):
    assert build(name).num_parameters() == count


# ---------------------------------------------------------------- any size, and wrong sizes


@each
@pytest.mark.parametrize("length, classes", [(3, 2), (72, 7)])
def test_any_length_and_number_of_classes(name, length, classes):
    model = build(name, final_seq_length=length, num_labels=classes)
    x, labels = torch.randn(4, length), torch.arange(4) % classes
    output = model(x, labels=labels)
    assert output.logits.shape == (4, classes)
    torch.testing.assert_close(output.loss, F.cross_entropy(output.logits, labels))
    loss, logits = model(x, labels=labels, return_dict=False)
    torch.testing.assert_close((loss, logits), (output.loss, output.logits))
    assert model.config.id2label == {i: str(i) for i in range(classes)}


@each
def test_gradients_reach_every_parameter(name, x):
    model = build(name)
    model(x, labels=torch.arange(7)).loss.backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


@each
@pytest.mark.parametrize("shape", [(5, 39), (5, 41), (40,), (5, 1, 40)])
def test_a_wrong_input_shape_is_named(name, shape):
    with pytest.raises(ValueError, match=r"takes \(batch, 40\).*final_seq_length"):
        build(name)(torch.zeros(shape))


@pytest.mark.parametrize(
    "config_class, wrong, message",
    [
        (
            Mnist1DPreTrainedConfig,
            {"final_seq_length": 0},
            "final_seq_length=0: must be at least 1",
        ),
        (Mnist1DPreTrainedConfig, {"num_labels": 1}, "num_labels=1: a classifier needs at least 2"),
        (Mnist1DTransformerConfig, {"hidden_size": 10}, "hidden_size=10: must be a multiple of"),
    ],
)
def test_a_wrong_configuration_is_named(config_class, wrong, message):
    with pytest.raises(ValueError, match=message):
        config_class(**wrong)


def test_a_signal_shorter_than_a_kernel_is_named():
    with pytest.raises(ValueError, match="final_seq_length=2 is too short for kernel_sizes="):
        build("cnn", final_seq_length=2)


# ---------------------------------------------------------------- transformers


@each
def test_auto_classes_find_what_was_saved(name, saved, x):
    model = AutoModelForSequenceClassification.from_pretrained(saved / name)
    assert type(model) is ARCHITECTURES[name][1]
    assert torch.equal(model(x).logits, build(name)(x).logits)
    assert type(AutoConfig.from_pretrained(saved / name)) is ARCHITECTURES[name][0]
    assert type(AutoFeatureExtractor.from_pretrained(saved / name)) is Mnist1DFeatureExtractor
    weights = load_file(saved / name / "model.safetensors")
    assert weights.keys() == model.state_dict().keys()


def test_from_config_takes_the_size_of_the_data():
    config = AutoConfig.for_model("mnist1d_cnn", final_seq_length=72, num_labels=3)
    model = AutoModelForSequenceClassification.from_config(config)
    assert model(torch.zeros(2, 72)).logits.shape == (2, 3)


def test_rotated_products_depend_on_the_distance_of_positions_alone():
    query, key = torch.randn(2, 1, 10, 16)
    rotation = rotations(torch.zeros(1, 30, 64), 16)
    early, late = (
        rotate(query, part) @ rotate(key, part).mT for part in (rotation[:, :10], rotation[:, 20:])
    )
    assert torch.allclose(early, late, atol=1e-5)
    assert not torch.allclose(early, query @ key.mT, atol=0.1)


@each
def test_a_weight_missing_from_a_checkpoint_gets_torchs_start(name, saved, tmp_path):
    """The others keep what was loaded, running statistics included."""
    model = build(name)
    with torch.no_grad():
        for value in model.state_dict().values():
            value.fill_(7)
    model.save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    first = next(key for key in weights if "weight" in key)
    missing = {"classifier.bias", first} & weights.keys()
    for key in missing:
        del weights[key]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    loaded = ARCHITECTURES[name][1].from_pretrained(tmp_path)
    for key, value in loaded.state_dict().items():
        if key in missing:
            assert 0 < value.float().abs().max() <= 1, key
        else:
            assert (value == 7).all(), key


def test_a_checkpoint_of_another_architecture_is_refused(saved):
    for name, other in [("cnn", "mlp"), ("transformer", "tcn")]:
        with pytest.raises(ValueError, match=f"'mnist1d_{other}', not 'mnist1d_{name}'"):
            ARCHITECTURES[name][1].from_pretrained(saved / other)


def test_a_checkpoint_of_another_length_is_refused(saved):
    with pytest.raises(RuntimeError, match="size mismatch|mismatched"):
        AutoModelForSequenceClassification.from_pretrained(saved / "cnn", final_seq_length=72)


REMOTE = """
import sys
sys.modules["mnist1d_hf"] = None  # importing the package is an error from here on
import numpy as np, torch
from pathlib import Path
from transformers import AutoFeatureExtractor, AutoModelForSequenceClassification
folder = Path(sys.argv[1])
x = np.load(folder / "x.npy")
for path in sorted(p for p in folder.iterdir() if p.is_dir()):
    model = AutoModelForSequenceClassification.from_pretrained(path, trust_remote_code=True)
    extractor = AutoFeatureExtractor.from_pretrained(path, trust_remote_code=True)
    assert type(model).__module__.startswith("transformers_modules"), type(model)
    with torch.no_grad():
        logits = model(**extractor(x, return_tensors="pt")).logits
    np.save(folder / f"{path.name}.npy", logits.numpy())
    model.save_pretrained(folder / "again" / path.name)  # and what they save loads once more
    AutoModelForSequenceClassification.from_pretrained(
        folder / "again" / path.name, trust_remote_code=True
    )
print("done")
"""


def test_saved_models_run_without_this_package(saved, x, tmp_path):
    for name in ARCHITECTURES:
        (tmp_path / name).symlink_to(saved / name)
        files = {p.name for p in (saved / name).iterdir()}
        assert {"modeling_mnist1d.py", "configuration_mnist1d.py"} < files
        # a pipeline of its own would make `pipeline` ask everybody to trust remote code
        assert "custom_pipelines" not in json.loads((saved / name / "config.json").read_text())
    np.save(tmp_path / "x.npy", x)
    child = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(REMOTE), tmp_path],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert child.stdout.endswith("done\n"), child.stderr
    for name in ARCHITECTURES:
        with torch.no_grad():
            expected = build(name)(x).logits.numpy()
        np.testing.assert_allclose(np.load(tmp_path / f"{name}.npy"), expected, rtol=1e-6)


def test_gradient_checkpointing_gives_the_same_gradients(x):
    def gradients(model):
        model.train()(x, labels=torch.arange(7)).loss.backward()
        return [p.grad for p in model.parameters()]

    plain, checkpointed = build("transformer"), build("transformer")
    checkpointed.activation_checkpointing_enable()
    torch.testing.assert_close(gradients(plain), gradients(checkpointed))
    for name in ARCHITECTURES.keys() - {"transformer"}:
        with pytest.raises(ValueError, match="does not support"):
            build(name).activation_checkpointing_enable()


# ---------------------------------------------------------------- feature extractor and pipeline


def test_the_feature_extractor_batches_and_standardises():
    extractor = Mnist1DFeatureExtractor(final_seq_length=3, mean=2.0, std=0.5)
    for signal in ([1, 2, 3], np.array([1.0, 2, 3]), torch.tensor([[1, 2, 3]])):
        batch = extractor(signal, return_tensors="np")["x"]
        assert batch.dtype == np.float32
        np.testing.assert_array_equal(batch, [[-2, 0, 2]])


@pytest.mark.parametrize(
    "signal, message",
    [
        (np.zeros(39), r"shape \(39,\); expected 40 points"),
        (np.zeros((2, 3, 40)), r"shape \(2, 3, 40\)"),
        (np.full((2, 40), np.nan), r"NaN or infinity in signal 0 \(2 of 2\)"),
        ([0.0] * 39 + [np.inf], "NaN or infinity in signal 0"),
    ],
)
def test_the_feature_extractor_names_bad_signals(signal, message):
    with pytest.raises(ValueError, match=message):
        Mnist1DFeatureExtractor()(signal)


def test_the_pipeline_takes_one_signal_or_many(saved, x):
    classify = pipeline("time-series-classification", model=str(saved / "cnn"))
    best = build("cnn")(x).logits.softmax(-1).max(-1)
    for signals in (x, x.numpy(), x.tolist(), list(x.numpy())):
        answers = classify(signals, top_k=1)
        assert [int(a["label"]) for [a] in answers] == best.indices.tolist()
        np.testing.assert_allclose([a["score"] for [a] in answers], best.values.detach(), rtol=1e-5)
    one = classify(x[0])
    assert len(one) == 5 and one[0] == classify(x)[0][0]
    assert [a[0] for a in classify(row.tolist() for row in x)] == [a[0] for a in classify(x)]
    assert len(classify(x[0], top_k=99)) == 10
    with pytest.raises(ValueError, match="expected 40 points"):
        classify(x[:, :39])


# ---------------------------------------------------------------- export


dynamic_batch = {"x": {0: torch.export.Dim("batch", max=1024)}}


@each
# torch's own, for any nn.GRU: its list of weights is an attribute, not a buffer
@pytest.mark.filterwarnings("ignore:The tensor attributes self.gru._flat")
def test_torch_export_keeps_the_function_for_any_batch(name, x):
    example = {"x": torch.zeros(2, 40)}
    program = torch.export.export(build(name), (), example, dynamic_shapes=dynamic_batch).module()
    for batch in (x, x[:3]):
        torch.testing.assert_close(program(x=batch).logits, build(name)(batch).logits)


@each
@pytest.mark.filterwarnings("ignore")  # the exporter warns of deprecations in its own code
def test_onnx_keeps_the_function_for_any_batch(name, x, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    torch.onnx.export(
        build(name),
        (),
        tmp_path / "model.onnx",
        kwargs={"x": torch.zeros(2, 40)},
        output_names=["logits"],
        dynamic_shapes=dynamic_batch,
        dynamo=True,
        verbose=False,
    )
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    for batch in (x, x[:3]):
        [logits] = session.run(["logits"], {"x": batch.numpy()})
        expected = build(name)(batch).logits.detach().numpy()
        np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)
