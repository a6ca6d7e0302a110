"""The six classifiers: the paper's to the weight, at home in transformers, exportable."""

import json
import re
import subprocess
import sys
import textwrap

import datasets
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
    new_model,
)
from mnist1d_hf.models.configuration_mnist1d import SIZES
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


def test_complex_signals_are_refused():
    with pytest.raises(ValueError, match=r"dtype torch.complex64: must be real"):
        build("cnn")(torch.zeros(5, 40, dtype=torch.complex64))


WRONG = [
    *(
        (name, {size: value}, f"{size}={value!r}: must be an integer, 1 or more")
        for name, (config_class, _) in ARCHITECTURES.items()
        for size in SIZES
        if hasattr(config_class, size)
        for value in (0, -1, 2.5, "3", None, True)
    ),
    *(
        (name, {field: value}, message)
        for name, field in (("cnn", "kernel_sizes"), ("tcn", "dilations"))
        for value, message in [
            ([], "must be a list of integers, one for each layer"),
            (3, "must be a list of integers, one for each layer"),
            ([3, 0], rf"{field}\[1\]=0: must be an integer, 1 or more"),
            ((3, 2.5), rf"{field}\[1\]=2.5: must be an integer"),
        ]
    ),
    *(
        ("mlp", {"num_labels": value}, f"num_labels={value!r}: must be an integer, 2 or more")
        for value in (1, 0, -3, 2.0, "3")
    ),
    ("mlp", {"num_labels": 3, "id2label": {0: "a", 1: "b"}}, "num_labels=3: there are 2 names"),
    ("mlp", {"id2label": {0: "a", 2: "b"}}, "id2label={0: 'a', 2: 'b'}: needs a name for 0, 1"),
    ("mlp", {"id2label": {0: "a", 1: "a"}}, "no two classes have one name"),
    ("mlp", {"id2label": {0: "a", 1: "b"}, "label2id": {"a": 1, "b": 0}}, "must be the inverse of"),
    ("mlp", {"id2label": ["a", "b"]}, r"id2label=\['a', 'b'\]: must be a dictionary such as {0: "),
    ("cnn", {"hidden_size": 10**20}, "must be an integer, 2147483647 or less"),
    ("gru", {"hidden_size": 2**63}, "must be an integer, 2147483647 or less"),
    ("tcn", {"dilations": [10**30]}, r"dilations\[0\]=1000000000000000000000000000000: must be"),
    ("mlp", {"hidden_act": "rleu"}, "hidden_act='rleu': choose one of"),
    ("cnn", {"hidden_act": None}, "hidden_act=None: choose one of"),
    ("gru", {"bidirectional": "no"}, "bidirectional='no': must be True or False"),
    ("transformer", {"hidden_size": 10}, "hidden_size=10: must be a multiple of twice"),
    ("transformer", {"num_attention_heads": 64}, "multiple of twice num_attention_heads=64"),
    ("cnn", {"final_seq_length": 2}, "final_seq_length=2 is too short for kernel_sizes="),
    ("cnn", {"kernel_sizes": (5, 3, 3, 99)}, "5 points reach a kernel of 99"),
    ("mlp", {"problem_type": "regression"}, "problem_type='regression': these models give"),
    ("mlp", {"output_attentions": True}, "output_attentions=True: these models return"),
    ("tcn", {"output_hidden_states": True}, "output_hidden_states=True: these models return"),
]


def test_a_class_with_two_names_is_refused():
    with pytest.raises(ValueError, match="two names have the same number"):
        ARCHITECTURES["mlp"][0](label2id={"a": 0, "b": 0})


@pytest.mark.parametrize(("name", "wrong", "message"), WRONG, ids=[str(w[:2]) for w in WRONG])
def test_an_impossible_configuration_is_refused_when_it_is_made(name, wrong, message, saved):
    config_class, model_class = ARCHITECTURES[name]
    with pytest.raises(ValueError, match=message):
        config_class(**wrong)
    [(field, value), *others] = wrong.items()
    if others or value is None or field == "id2label":
        return
    with pytest.raises(ValueError, match=message):  # ... or when a saved one is changed
        config_class.from_pretrained(saved / name, **wrong)
    config = config_class()
    with pytest.raises(ValueError, match=message):  # ... or when a field is set afterwards
        setattr(config, field, value)
        model_class(config)


def test_names_of_classes_come_from_either_side(saved, tmp_path):
    config_class, _ = ARCHITECTURES["mlp"]
    expected = {0: "cat", 1: "dog"}
    for names in (
        {"id2label": expected},
        {"id2label": {"0": "cat", "1": "dog"}},
        {"label2id": {"cat": 0, "dog": 1}},
        {"id2label": expected, "label2id": {"dog": 1, "cat": 0}, "num_labels": 2},
    ):
        for config in (config_class(**names), config_class.from_pretrained(saved / "mlp", **names)):
            assert config.id2label == expected and config.num_labels == 2
            assert config.label2id == {"cat": 0, "dog": 1}
    assert config_class.from_pretrained(saved / "mlp", num_labels=3).id2label[2] == "2"
    renamed = build("mlp", num_labels=2)
    renamed.config.id2label = expected  # and no word about label2id
    renamed.save_pretrained(tmp_path)
    assert config_class.from_pretrained(tmp_path).label2id == {"cat": 0, "dog": 1}


def test_a_new_model_of_unknown_name_or_size_is_refused():
    with pytest.raises(ValueError, match="model 'ccn': must be one of logistic, mlp, cnn"):
        new_model("ccn", 0)
    with pytest.raises(ValueError, match="unknown hiden_size of .*MLPConfig: .*hidden_size"):
        new_model("mlp", 0, hiden_size=3)


ODD = {
    "logistic": {"final_seq_length": 1},
    "mlp": {"hidden_size": 1, "num_hidden_layers": 7, "hidden_act": "mnist1d_piecewise"},
    "cnn": {"final_seq_length": 3, "hidden_size": 3, "kernel_sizes": [5], "num_labels": 2},
    "gru": {"hidden_size": 1, "bidirectional": False, "final_seq_length": 1},
    "transformer": {"hidden_size": 6, "num_attention_heads": 3, "kernel_size": 1},
    "tcn": {"dilations": [40], "hidden_size": 1, "kernel_size": 5, "num_labels": 11},
}


@each
def test_models_of_odd_sizes_survive_saving(name, tmp_path):
    model = build(name, **ODD[name])
    model.save_pretrained(tmp_path)
    loaded = AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    x = torch.randn(2, model.config.final_seq_length)
    assert torch.equal(loaded(x).logits, model(x).logits)
    for field, value in ODD[name].items():
        kept = getattr(loaded.config, field)
        assert (list(kept) if isinstance(value, list) else kept) == value


# ---------------------------------------------------------------- dtypes, labels, keywords


@each
@pytest.mark.parametrize("weights", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("inputs", [torch.float16, torch.float32, torch.float64, torch.int64])
def test_inputs_are_cast_to_the_dtype_of_the_weights(name, weights, inputs, x):
    model = build(name).to(weights)
    given = (4 * x).to(inputs)
    output = model(given, labels=torch.arange(7))
    assert output.logits.dtype == output.loss.dtype == weights
    assert torch.equal(output.logits, model(given.to(weights)).logits)
    if weights == torch.float64:
        torch.testing.assert_close(output.logits.float(), build(name)(given.float()).logits)


@pytest.mark.parametrize("kind", [torch.int32, torch.uint8, torch.int64])
def test_labels_of_any_integer_type_and_as_a_column(kind, x):
    model, labels = build("mlp"), torch.arange(7)
    expected = model(x, labels=labels).loss
    assert torch.equal(model(x, labels=labels.to(kind)).loss, expected)
    assert torch.equal(model(x, labels=labels.to(kind)[:, None]).loss, expected)


def test_labels_may_be_probabilities_or_left_out(x):
    model, labels = build("mlp"), torch.arange(7)
    one_hot = F.one_hot(labels, 10)
    for kind in (torch.float32, torch.float64):
        loss = model(x, labels=one_hot.to(kind)).loss
        torch.testing.assert_close(loss, model(x, labels=labels).loss)
    ignored = torch.where(labels > 3, -100, labels)
    torch.testing.assert_close(model(x, labels=ignored).loss, model(x[:4], labels=labels[:4]).loss)


@pytest.mark.parametrize(
    "labels", [torch.zeros(7), torch.zeros(6).long(), torch.zeros(7, 9), torch.zeros(7, 10).long()]
)
def test_other_labels_are_named(labels, x):
    with pytest.raises(
        ValueError, match=r"labels have shape .* must be \(7,\) integers from 0 to 9"
    ):
        build("mlp")(x, labels=labels)


@pytest.mark.parametrize("label", [10, -1])
def test_a_label_out_of_range_is_an_error(label, x):
    with pytest.raises(IndexError, match=f"Target {label} is out of bounds"):
        build("mlp")(x, labels=torch.full((7,), label))


def test_keywords_of_other_models_are_refused_unless_they_ask_for_nothing(x):
    model = build("cnn")
    plain = model(x, output_attentions=None, output_hidden_states=False, return_dict=True)
    assert torch.equal(plain.logits, model(x).logits)
    for keyword in ({"output_attentions": True}, {"attention_mask": x}, {"lables": x}):
        with pytest.raises(ValueError, match=f"{next(iter(keyword))}: this model takes x, labels"):
            model(x, **keyword)
    model.config.return_dict = False
    assert isinstance(model(x), tuple)


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


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"final_seq_length": 0}, "final_seq_length=0: must be an integer, 1 or more"),
        ({"final_seq_length": 2.5}, "final_seq_length=2.5: must be an integer"),
        *(
            ({"std": value}, f"std={value!r}: must be a number from")
            for value in (0, -1.0, 1e-40, 1e39, float("nan"), float("inf"), None, "1")
        ),
        *(
            ({"mean": value}, f"mean={value!r}: must be a number from")
            for value in (1e39, float("nan"), float("-inf"), None, "1")
        ),
    ],
)
def test_a_feature_extractor_that_cannot_work_is_refused(wrong, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Mnist1DFeatureExtractor(**{"final_seq_length": 3, **wrong})


@pytest.mark.parametrize(
    "signal, message",
    [
        ([1e39] * 40, "NaN or infinity in signal 0"),
        (["1"] * 40, "must be an array or a list of numbers"),
        (np.zeros(40, dtype=complex), "must be an array or a list of numbers"),
        ("0" * 40, "str: must be an array or a list of numbers"),
        (3.0, "float: must be an array or a list of numbers"),
        (None, "NoneType: must be an array or a list of numbers"),
        ([[0.0] * 40, [0.0] * 39], r"different shapes: \[\(39,\), \(40,\)\]"),
        ([[0.0] * 39 + [None]], "must be an array or a list of numbers"),
    ],
)
def test_the_feature_extractor_names_what_are_no_signals(signal, message):
    with pytest.raises(ValueError, match=message):
        Mnist1DFeatureExtractor()(signal)


class Signals(torch.utils.data.Dataset):
    def __init__(self, x):
        self.x = x

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i]


def dataset_of(x):
    return datasets.Dataset.from_dict({"x": x.tolist(), "label": [0] * len(x)})


def optional(module, make):
    """A container of a library that may not be installed."""
    return lambda x: make(pytest.importorskip(module), x)


MANY = {  # from a tensor (n, 40) to n signals
    "tensor": lambda x: x,
    "float64": lambda x: x.double(),
    "part of a graph": lambda x: x.clone().requires_grad_(),
    "list of tensors": list,
    "list of bfloat16": lambda x: list(x.bfloat16().float().bfloat16()),
    "array": lambda x: x.numpy(),
    "list of arrays": lambda x: list(x.numpy()),
    "tuple of lists": lambda x: tuple(x.tolist()),
    "lists": lambda x: x.tolist(),
    "memoryview": lambda x: memoryview(x.numpy()),
    "column": lambda x: dataset_of(x)["x"],
    "column in torch's format": lambda x: dataset_of(x).with_format("torch")["x"],
    "column in NumPy's format": lambda x: dataset_of(x).with_format("numpy")["x"],
    "dataset": dataset_of,
    "stream": lambda x: dataset_of(x).to_iterable_dataset(),
    "torch dataset": lambda x: Signals(x),
    "list of rows": lambda x: list(dataset_of(x)),
    "masked, but nothing is": lambda x: np.ma.array(x.numpy(), mask=False),
    "jax bfloat16": optional(
        "jax.numpy", lambda jax, x: jax.asarray(x.numpy(), dtype=jax.bfloat16)
    ),
    "rows of a dataset": lambda x: iter(dataset_of(x)),
    "generator": lambda x: (row for row in x.tolist()),
    "iterator": lambda x: map(torch.Tensor.numpy, x),
    "arrow": lambda x: dataset_of(x).data.column("x"),
    "pandas frame": optional("pandas", lambda pandas, x: pandas.DataFrame(x.numpy())),
    "pandas column": optional("pandas", lambda pandas, x: dataset_of(x).to_pandas()["x"]),
    "pandas frame of a split": optional(
        "pandas", lambda pandas, x: pandas.DataFrame({"x": list(x.numpy()), "label": 0})
    ),
    "polars frame": optional("polars", lambda polars, x: polars.DataFrame(x.numpy())),
    "polars column": optional("polars", lambda polars, x: dataset_of(x).to_polars()["x"]),
    "jax": optional("jax.numpy", lambda jax, x: jax.asarray(x.numpy())),
}
ONE = {
    "tensor": lambda x: x,
    "bfloat16": lambda x: x.bfloat16().float().bfloat16(),
    "array": lambda x: x.numpy(),
    "list": lambda x: x.tolist(),
    "tuple": lambda x: tuple(x.tolist()),
    "memoryview": lambda x: memoryview(x.numpy()),
    "row": lambda x: {"x": x.tolist(), "label": 3},
    "pandas": optional("pandas", lambda pandas, x: pandas.Series(x.numpy())),
    "polars": optional("polars", lambda polars, x: polars.Series(x.numpy())),
    "jax": optional("jax.numpy", lambda jax, x: jax.asarray(x.numpy())),
}


@pytest.fixture(scope="module")
def classify(saved):
    return pipeline("time-series-classification", model=str(saved / "cnn"))


@pytest.mark.parametrize("container", MANY)
@pytest.mark.parametrize("n", [1, 7])
def test_every_container_of_many_signals_gets_many_answers(classify, x, container, n):
    answers = list(classify(MANY[container](x[:n]), top_k=1))
    best = build("cnn")(x[:n]).logits.softmax(-1).max(-1)
    assert [int(answer["label"]) for [answer] in answers] == best.indices.tolist()
    scores = [answer["score"] for [answer] in answers]
    np.testing.assert_allclose(
        scores, best.values.detach(), rtol=0.1 if "16" in container else 1e-5
    )


@pytest.mark.parametrize("container", ONE)
def test_one_signal_gets_one_answer(classify, x, container):
    answer = classify(ONE[container](x[0]))
    expected = classify(x)[0]
    assert len(answer) == 5 and answer[0]["label"] == expected[0]["label"]
    assert answer[0]["score"] == pytest.approx(expected[0]["score"], abs=0.02)


def test_masked_values_are_not_classified_as_if_they_were_there(classify, x):
    masked = np.ma.array(x.numpy(), mask=False)
    masked[0, 3] = np.ma.masked
    with pytest.raises(ValueError, match="1 values are masked: fill them first"):
        classify(masked)


def test_no_signals_get_no_answers(classify, x):
    for none in ([], x[:0], x[:0].numpy(), iter([])):
        assert list(classify(none)) == []


def test_the_pipeline_takes_batches_and_every_top_k(classify, x):
    together = classify(x, batch_size=3, top_k=2)
    assert [[a["label"] for a in answer] for answer in together] == [
        [a["label"] for a in answer] for answer in classify(x, top_k=2)
    ]
    assert len(classify(x[0], top_k=99)) == len(classify(x[0], top_k=None)) == 10
    for wrong in (0, -1, 1.5, "all"):
        with pytest.raises(ValueError, match=f"top_k={wrong!r}: must be an integer, 1 or more"):
            classify(x[0], top_k=wrong)
    with pytest.raises(ValueError, match="topk: this pipeline takes top_k alone"):
        classify(x[0], topk=1)


@pytest.mark.parametrize(
    "wrong, message",
    [
        (lambda x: x[:, :39], "expected 40 points"),
        (lambda x: x[None], "an item has shape"),
        (lambda x: iter([x]), "an item has shape"),
        (lambda x: {"y": x[0]}, "dict: must be an array or a list of numbers"),
        (lambda x: datasets.DatasetDict({"test": dataset_of(x)}), "must be an array"),
    ],
)
def test_the_pipeline_refuses_what_are_no_signals(classify, x, wrong, message):
    with pytest.raises(ValueError, match=message):
        list(classify(wrong(x)))


@pytest.mark.parametrize("dtype", ["bfloat16", "float64"])
def test_a_pipeline_in_another_dtype(saved, x, dtype):
    classify = pipeline("time-series-classification", model=str(saved / "mlp"), dtype=dtype)
    assert len(classify(x)) == 7 and len(classify([0.0] * 40)) == 5


def test_labels_have_the_names_of_the_configuration(x):
    names = {i: f"digit {i}" for i in range(10)}
    model = build("cnn", id2label=names)
    classify = pipeline(
        "time-series-classification", model=model, feature_extractor=Mnist1DFeatureExtractor()
    )
    best = model(x).logits.argmax(-1).tolist()
    assert [answer[0]["label"] for answer in classify(x)] == [names[i] for i in best]


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


@pytest.mark.slow
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
