"""Many models at once: each is trained as if alone, to rounding, in every architecture."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mnist1d_hf.models import ARCHITECTURES
from mnist1d_hf.training.many import ordered_batches, shuffled_batches, train_many

SEEDS = (3, 1, 4)
STEPS = 100


def paper_model(name):
    config, model = ARCHITECTURES[name]
    return model(config()).double()


def mlp():
    return nn.Sequential(
        nn.Linear(40, 12), nn.ReLU(), nn.Linear(12, 12), nn.ReLU(), nn.Linear(12, 10)
    ).double()


def cnn(pool=None, stride=1):
    pools = [[pool(2)] if pool else [] for _ in range(2)]
    features = 5 * (40 // (4 if pool or stride == 2 else 1))
    return nn.Sequential(
        nn.Unflatten(1, (1, 40)),
        *(nn.Conv1d(1, 5, 3, stride=stride, padding=1), nn.ReLU(), *pools[0]),
        *(nn.Conv1d(5, 5, 3, stride=stride, padding=1), nn.ReLU(), *pools[1]),
        *(nn.Flatten(), nn.Linear(features, 10)),
    ).double()


BUILDERS = {
    "logistic": lambda: paper_model("logistic"),
    "paper's mlp": lambda: paper_model("mlp"),
    "paper's cnn": lambda: paper_model("cnn"),
    "one layer": lambda: nn.Linear(40, 10).double(),
    "mlp": mlp,
    "no pooling": cnn,
    "stride": lambda: cnn(stride=2),
    "max": lambda: cnn(nn.MaxPool1d),
    "average": lambda: cnn(nn.AvgPool1d),
    "l2": lambda: cnn(lambda size: nn.LPPool1d(2, size)),
}


def build(name, seeds=SEEDS):
    models = []
    for seed in seeds:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            models.append(BUILDERS[name]())
    return models


@pytest.fixture(scope="module")
def data():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(400, 40, generator=generator, dtype=torch.float64)
    return x, torch.randint(10, (400,), generator=generator)


def logits_of(model, x):
    output = model(x)
    return getattr(output, "logits", output)


def train_alone(model, x, labels, batches, optimizer, loss="cross_entropy", masks=None):
    """The plain loop that `train_many` stands for."""
    for rows in batches:
        if masks:
            with torch.no_grad():
                for name, mask in masks.items():
                    model.get_parameter(name).mul_(mask)
        logits = logits_of(model, x[rows])
        if loss == "mse":
            value = (logits - F.one_hot(labels[rows], 10)).square().sum(1).mean()
        else:
            value = F.cross_entropy(logits, labels[rows])
        optimizer.zero_grad()
        value.backward()
        for name, mask in (masks or {}).items():
            model.get_parameter(name).grad.mul_(mask)
        optimizer.step()


def adam(model):
    return torch.optim.Adam(model.parameters(), 0.01)


def difference(models, others):
    return max(
        (p - q).abs().max().item()
        for m, o in zip(models, others, strict=True)
        for p, q in zip(m.parameters(), o.parameters(), strict=True)
    )


@pytest.mark.parametrize("name", BUILDERS)
def test_equals_separate_trainings(name, data):
    x, labels = data
    models, alone = build(name), build(name)
    batches = list(shuffled_batches([400, 200, 100], 50, STEPS, SEEDS))
    train_many(models, x, labels, batches)
    for m, model in enumerate(alone):
        train_alone(model, x, labels, [rows[m] for rows in batches], adam(model))
    assert difference(models, alone) < 1e-12
    assert difference(models, build(name)) > 0.1


@pytest.mark.parametrize("name", ["paper's mlp", "paper's cnn"])
def test_everything_that_may_differ_between_models(name, data):
    x, labels = data
    own_labels = torch.stack([labels, labels.roll(1), labels.roll(2)])
    rates = [0.02, 0.01, 0.005]
    models, alone = build(name), build(name)
    weight = next(n for n, p in alone[0].named_parameters() if p.ndim > 1)
    mask = (torch.rand(3, *models[0].get_parameter(weight).shape) < 0.5).double()
    batches = list(ordered_batches(400, 50, STEPS))
    options = {"optimizer": "sgd", "loss": "mse", "learning_rate": rates, "masks": {weight: mask}}
    train_many(models, x, own_labels, batches, **options)
    for m, model in enumerate(alone):
        optimizer = torch.optim.SGD(model.parameters(), rates[m], momentum=0.9)
        train_alone(model, x, own_labels[m], batches, optimizer, "mse", {weight: mask[m]})
    assert difference(models, alone) < 1e-12
    for model, kept in zip(models, mask, strict=True):
        assert (model.get_parameter(weight)[kept == 0] == 0).all()


@pytest.mark.parametrize("name", ["paper's mlp", "paper's cnn"])
def test_each_model_may_have_signals_of_its_own(name, data):
    x, labels = data
    own_x, own_labels = x.view(2, 200, 40).repeat(2, 1, 1)[:3], labels.view(2, 200).repeat(2, 1)[:3]
    models, alone = build(name), build(name)
    batches = list(ordered_batches(200, 30, STEPS))
    splits = {"own": (own_x[:, :50], own_labels[:, :50]), "common": (x[:50], labels[:50])}
    history = train_many(models, own_x, own_labels, batches, splits=splits)
    for m, model in enumerate(alone):
        train_alone(model, own_x[m], own_labels[m], batches, adam(model))
        wrong = logits_of(model, own_x[m, :50]).argmax(1) != own_labels[m, :50]
        assert history.error["own"][0, m] == wrong.double().mean()
    assert difference(models, alone) < 1e-12
    assert torch.equal(history.error["own"][0, ::2], history.error["common"][0, ::2])


def test_rates_of_their_own_equal_a_common_one(data):
    x, labels = data
    models, others = build("mlp"), build("mlp")
    train_many(models, x, labels, ordered_batches(400, 50, STEPS), learning_rate=0.01)
    train_many(others, x, labels, ordered_batches(400, 50, STEPS), learning_rate=[0.01] * 3)
    assert difference(models, others) < 1e-12


@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
def test_history_is_that_of_the_models(loss, data):
    x, labels = data
    counted = torch.stack([labels, labels, labels])
    counted[1, 100:] = -100  # only the first rows count for the second model
    models = build("paper's cnn")
    history = train_many(
        *(models, x, labels, ordered_batches(400, 100, 7)),
        loss=loss,
        splits={"train": (x, counted), "test": (x[300:], labels[300:])},
        evaluate_every=3,
    )
    assert history.steps == [3, 6, 7]
    for m, model in enumerate(models):
        rows = slice(0, 100) if m == 1 else slice(None)
        logits = logits_of(model, x[rows]).detach()
        wrong = (logits.argmax(1) != labels[rows]).double().mean()
        assert history.error["train"][2, m] == wrong
        if loss == "mse":
            value = (logits - F.one_hot(labels[rows], 10)).square().sum(1).mean()
        else:
            value = F.cross_entropy(logits, labels[rows])
        assert history.loss["train"][2, m].item() == pytest.approx(value.item(), rel=1e-12)
    assert history.error["test"].shape == (3, 3)


def test_evaluating_changes_nothing(data):
    x, labels = data
    models, others = build("paper's cnn"), build("paper's cnn")
    train_many(models, x, labels, ordered_batches(400, 50, 20))
    splits = {"train": (x, labels)}
    train_many(*(others, x, labels, ordered_batches(400, 50, 20)), splits=splits, evaluate_every=1)
    assert difference(models, others) == 0


def test_a_trained_model_is_saved_and_loaded(data, tmp_path):
    x, labels = data
    models = build("paper's mlp")
    train_many(models, x, labels, ordered_batches(400, 50, 20))
    models[1].save_pretrained(tmp_path)
    back = type(models[1]).from_pretrained(tmp_path, dtype=torch.float64)
    assert difference([back], [models[1]]) == 0


def test_passes_are_permutations_of_the_rows_of_each_model():
    batches = list(shuffled_batches([300, 100], 50, 12, seeds=(1, 1)))
    first, second = torch.stack(batches).unbind(1)
    assert first.flatten()[:300].sort().values.tolist() == list(range(300))
    assert second[:2].flatten().sort().values.tolist() == list(range(100))
    assert not torch.equal(second[:2], second[2:4])
    again = list(shuffled_batches([300], 50, 12, seeds=(1,)))
    assert torch.equal(torch.stack(again)[:, 0], first)


def test_the_papers_order_wraps_with_a_short_batch():
    sizes = [(rows[0].item(), len(rows)) for rows in ordered_batches(250, 100, 5)]
    assert sizes == [(0, 100), (100, 100), (200, 50), (0, 100), (100, 100)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loss": "hinge"}, "loss='hinge': must be one of cross_entropy, mse"),
        ({"optimizer": "lion"}, "optimizer='lion': must be one of adam, sgd"),
        ({"models": [nn.Sequential(nn.Linear(40, 10), nn.GELU())]}, "'GELU' cannot be stacked"),
        ({"labels": torch.zeros(2, 400).long()}, r"must be \(400,\) or \(3, 400\)"),
        ({"x": torch.zeros(3, 400, 40)}, r"labels .*\(400,\): must be \(3, 400\)"),
        ({"x": torch.zeros(2, 400, 40)}, r"\(n, d\), or \(3, n, d\)"),
        ({"x": torch.zeros(400)}, r"\(n, d\), or \(3, n, d\)"),
        ({"models": []}, "at least one"),
        ({"learning_rate": [0.1]}, "learning_rate: 1 values for 3 models"),
        ({"masks": {"1.weight": torch.ones(3)}}, r"masks\['1.weight'\]: must be one mask per"),
        ({"models": [nn.Linear(40, 10), nn.Linear(40, 9)]}, "of the same shapes"),
        ({"models": [nn.Sequential(nn.Linear(40, 10, bias=False))]}, "its own weight and bias"),
    ],
)
def test_what_cannot_be_done_is_refused(change, message, data):
    arguments = {"models": build("mlp"), "x": data[0], "labels": data[1], **change}
    with pytest.raises(ValueError, match=message):
        train_many(batches=ordered_batches(400, 50, 1), **arguments)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: (x, y[:90]), r"labels of shape \(90,\): must be"),
        (lambda x, y: (x[:, :30], y), "signals of 30 points: must be 40"),
        (lambda x, y: (x, y + 9), "label 1[0-8]: must be from 0 to 9"),
    ],
)
def test_splits_are_checked_before_the_first_update(change, message, data):
    def batches():
        raise AssertionError("an update was made")
        yield

    with pytest.raises(ValueError, match=message):
        train_many(build("mlp"), *data, batches(), splits={"test": change(*data)})


def test_an_option_that_is_not_known_is_noticed(data):
    dilated = nn.Sequential(
        *(nn.Unflatten(1, (1, 40)), nn.Conv1d(1, 2, 3, dilation=2, padding=2)),
        *(nn.Flatten(), nn.Linear(80, 10)),
    ).double()
    with pytest.raises(ValueError, match="one of its layers has an option"):
        train_many([dilated], *data, ordered_batches(400, 50, 1))


def test_rows_must_fill_whole_batches():
    with pytest.raises(ValueError, match="num_rows=250: must be a multiple of batch_size=100"):
        shuffled_batches([250], 100, 1, seeds=(0,))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", ["paper's mlp", "paper's cnn"])
def test_a_gpu_gives_the_same(name, data):
    x, labels = data
    models = build(name)
    on_gpu = [copy.deepcopy(model).cuda() for model in models]
    batches = list(shuffled_batches([400] * 3, 50, STEPS, SEEDS))
    train_many(models, x, labels, batches)
    train_many(on_gpu, x.cuda(), labels.cuda(), batches)
    assert difference(models, [model.cpu() for model in on_gpu]) < 1e-9
