"""Fresh batches: distributed as the counter stream, resumable, and nobody else's randomness."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import TrainingArguments

from mnist1d_hf.models import ARCHITECTURES
from mnist1d_hf.signals.counter import TEST_START, prepare
from mnist1d_hf.signals.generate import make_range
from mnist1d_hf.signals.params import SignalParams
from mnist1d_hf.training import batches as module
from mnist1d_hf.training.batches import Batches, batches, to_inputs
from mnist1d_hf.training.trainer import Mnist1DTrainer

COUNTER = SignalParams(stream="counter")
# Rows of each sample in the comparisons of distributions.
MANY = 200_000
# Largest z allowed among up to a thousand of them; the seeds are fixed, so this is no lottery.
MOST_SIGMA = 5
GPU = pytest.param(
    "cuda",
    marks=[
        pytest.mark.gpu,
        pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
    ],
)
DEVICES = pytest.mark.parametrize("device", ["cpu", GPU])


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def rows(params, n=MANY, **keywords):
    """The first n rows as NumPy arrays."""
    x, labels = next(batches(params, n, **keywords))
    assert x.dtype == torch.float32 and labels.dtype == torch.int64
    assert x.shape == (n, params.final_seq_length) and labels.shape == (n,)
    return x.cpu().numpy(), labels.cpu().numpy()


def take(fresh, n):
    return [next(fresh) for _ in range(n)]


def assert_equal(a, b):
    for (x, labels), (other_x, other_labels) in zip(a, b, strict=True):
        assert torch.equal(x, other_x) and torch.equal(labels, other_labels)


# --- the distribution ----------------------------------------------------------------------------


def assert_equal_means(a, b, what):
    """No column's two means differ by more than their standard errors allow."""
    error = np.sqrt(a.var(axis=0, dtype=float) / len(a) + b.var(axis=0, dtype=float) / len(b))
    z = (a.mean(axis=0, dtype=float) - b.mean(axis=0, dtype=float)) / np.maximum(error, 1e-12)
    assert np.abs(z).max() < MOST_SIGMA, f"{what}: z = {z}"


def assert_same_distribution(a, b):
    """Of x and labels: moments by position and by class, covariances, class frequencies."""
    (a, labels_a), (b, labels_b) = a, b
    powers = a, b
    for power in (1, 2, 3, 4):
        assert_equal_means(*powers, f"moment {power}")
        powers = powers[0] * a, powers[1] * b
    for level in (-1, 0, 1):
        assert_equal_means(a < level, b < level, f"share below {level}")

    def products(x):
        """Mean and squared standard error of x_i x_j, for each pair of positions."""
        mean = x.T @ x / len(x)
        return mean, ((x**2).T @ x**2 / len(x) - mean**2) / len(x)

    (mean_a, error_a), (mean_b, error_b) = products(a.astype(float)), products(b.astype(float))
    z = (mean_a - mean_b) / np.sqrt(error_a + error_b)
    assert np.abs(z).max() < MOST_SIGMA, "covariances"
    assert np.ptp(np.bincount(labels_a, minlength=10) - np.bincount(labels_b, minlength=10)) <= 1
    for digit in range(10):
        ours, theirs = a[labels_a == digit], b[labels_b == digit]
        assert_equal_means(ours, theirs, f"digit {digit}")
        assert_equal_means(ours**2, theirs**2, f"squares of digit {digit}")
    edges = np.diff(a[:, [0, -1]]), np.diff(b[:, [0, -1]])  # the shear tells the ends apart
    assert_equal_means(edges[0] ** 2, edges[1] ** 2, "distance of the ends")


@DEVICES
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"shuffle_seq": True, "max_translation": 72, "seed": 7},
        {"padding": (0, 5), "max_translation": 4, "final_seq_length": 60, "scale_coeff": 1.5},
        {"corr_noise_scale": 1, "iid_noise_scale": 0.5, "final_seq_length": 7, "template_len": 20},
        {"max_translation": 1, "shear_scale": 2, "iid_noise_scale": 0},
    ],
    ids=str,
)
def test_fresh_rows_have_the_distribution_of_the_counter_stream(changes, device):
    params = replace(COUNTER, **changes)
    assert_same_distribution(rows(params, device=device, seed=3), make_range(params, 0, MANY))


@DEVICES
def test_without_randomness_the_rows_are_those_of_the_counter_stream(device):
    still = {"scale_coeff": 0, "corr_noise_scale": 0, "iid_noise_scale": 0, "shear_scale": 0}
    for changes in ({}, {"shuffle_seq": True}, {"final_seq_length": 144, "template_len": 30}):
        params = replace(COUNTER, **still, **changes)
        x, labels = rows(params, 50_000, device=device)
        other_x, other_labels = make_range(params, 0, 50_000)
        for digit in (0, 7):  # 25 paddings and 48 shifts: 1200 signals a digit
            ours = np.unique(x[labels == digit].round(3), axis=0)
            theirs = np.unique(other_x[other_labels == digit].round(3), axis=0)
            assert len(ours) == pytest.approx(len(theirs), abs=60)  # e^-4 of them are not drawn
            distance = np.abs(ours[:50, None] - theirs).max(axis=2).min(axis=1)
            assert (distance < 2e-3).mean() > 0.9


def test_the_permutation_is_that_of_the_counter_stream():
    for seed in (42, 5):
        params = replace(COUNTER, shuffle_seq=True, seed=seed)
        plain, _ = rows(replace(params, shuffle_seq=False), 1000, seed=1)
        shuffled, _ = rows(params, 1000, seed=1)
        np.testing.assert_allclose(shuffled, plain[:, prepare(params).order], atol=1e-4)


@DEVICES
def test_label_noise_redraws_labels(device):
    params = replace(COUNTER, label_noise=0.3)
    x, labels = rows(params, 20_000, device=device)
    clean_x, clean = rows(COUNTER, 20_000, device=device)
    np.testing.assert_array_equal(x, clean_x)
    changed = labels != clean
    assert abs(changed.mean() - 0.27) < MOST_SIGMA * np.sqrt(0.27 * 0.73 / 20_000)
    counts = np.bincount(labels[changed], minlength=10)
    assert np.abs(counts - changed.sum() / 10).max() < MOST_SIGMA * np.sqrt(changed.sum() / 10)


@pytest.mark.parametrize("batch_size", [1, 7, 100, 1999, 5001])
def test_classes_are_balanced_over_all_rows(batch_size):
    fresh = batches(COUNTER, batch_size)
    labels = torch.cat([labels for _, labels in take(fresh, 2 * fresh._count // batch_size)])
    counts = torch.bincount(labels, minlength=10)
    assert counts.max() - counts.min() <= 1
    assert len(set(labels[:50].tolist())) > 5  # and not in their order


def test_no_row_is_repeated():
    x = torch.cat([x for x, _ in take(batches(COUNTER, 100), 200)])
    other = torch.cat([x for x, _ in take(batches(COUNTER, 100, seed=43), 200)])
    assert len(torch.unique(torch.cat([x, other])[:, 0])) > 39_900  # of 40,000 float32


# --- randomness and state ------------------------------------------------------------------------


@DEVICES
def test_the_seed_alone_decides(device):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first = take(batches(COUNTER, 64, device=device, seed=5), 70)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(1)
    second = batches(COUNTER, 64, device=device, seed=5)
    assert_equal(first, take(second, 70))
    other = next(batches(COUNTER, 64, device=device, seed=6))
    assert not torch.equal(other[0], first[0][0])
    assert_equal(take(batches(COUNTER, 64, seed=42), 1), take(batches(COUNTER, 64), 1))
    assert first[0][0].device.type == device


@DEVICES
@pytest.mark.parametrize("stop", [0, 1, 30, 31, 32, 100])
def test_batches_resume_where_they_stopped(stop, device):
    fresh = batches(COUNTER, 64, device=device)  # on a CPU 31 of them are drawn together
    take(fresh, stop)
    file = io.BytesIO()
    torch.save(fresh.state_dict(), file)
    expected = take(fresh, 40)
    resumed = batches(COUNTER, 64, device=device, seed=1)
    take(resumed, 3)
    resumed.load_state_dict(torch.load(io.BytesIO(file.getvalue())))
    assert_equal(take(resumed, 40), expected)


@pytest.mark.parametrize(
    "params, batch_size, message",
    [
        (replace(COUNTER, shear_scale=0.5), 64, "batches with shear_scale=0.75, not 0.5"),
        (COUNTER, 65, "batches with batch_size=64, not 65"),
    ],
)
def test_a_state_of_other_batches_is_refused(params, batch_size, message):
    state = batches(COUNTER, 64).state_dict()
    with pytest.raises(ValueError, match=message):
        batches(params, batch_size).load_state_dict(state)


def test_what_is_no_state_is_refused():
    with pytest.raises(ValueError, match="must have the parts .*generator"):
        batches(COUNTER, 64).load_state_dict({})


@pytest.mark.parametrize(
    "params, batch_size, seed, message",
    [
        (SignalParams(), 100, 0, "stream='frozen': fresh rows have the constants of"),
        ("default", 100, 0, "params='default': must be a SignalParams"),
        (COUNTER, 0, 0, "batch_size=0: must be an integer 1 or more"),
        (COUNTER, 100, -1, "seed=-1: must be an integer from 0"),
    ],
)
def test_bad_input_is_refused(params, batch_size, seed, message):
    with pytest.raises(ValueError, match=message):
        batches(params, batch_size, seed=seed)


# --- in training ---------------------------------------------------------------------------------


def build(name, seed=0):
    config, model = ARCHITECTURES[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return model(config())


@DEVICES
def test_a_plain_loop_learns_what_the_test_rows_ask_for(device):
    model = build("cnn").to(device).train()
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for _, (x, labels) in zip(range(600), batches(COUNTER, 100, device=device), strict=False):
        model(x=x, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    x, labels = make_range(COUNTER, TEST_START, TEST_START + 5000)
    with torch.no_grad():
        found = model(x=torch.from_numpy(x).to(device)).logits.argmax(1).cpu().numpy()
    assert (found == labels).mean() > 0.75


@DEVICES
def test_the_trainer_takes_batches_and_resumes(tmp_path, device):
    def trainer(folder, model, fresh):
        args = TrainingArguments(
            str(tmp_path / folder), max_steps=8, save_steps=4, per_device_train_batch_size=1,
            dataloader_pin_memory=False, learning_rate=0.01, report_to="none", disable_tqdm=True,
            use_cpu=device == "cpu", logging_strategy="no",
        )  # fmt: skip
        return Mnist1DTrainer(model, args, train_dataset=fresh, data_collator=to_inputs)

    whole, used = build("mlp"), batches(COUNTER, 100, device=device)
    trainer("whole", whole, used).train()
    checkpoint = tmp_path / "whole" / "checkpoint-4"
    resumed = build("mlp"), build("mlp")
    for model, fresh in zip(resumed, (batches(COUNTER, 100, device=device), used), strict=True):
        trainer("resumed", model, fresh).train(resume_from_checkpoint=str(checkpoint))

    alone = build("mlp").to(device).train()
    optimizer = torch.optim.AdamW(alone.parameters(), 0.01, weight_decay=0)
    fresh = batches(COUNTER, 100, device=device)
    for step, (x, labels) in zip(range(8), fresh, strict=False):
        for group in optimizer.param_groups:
            group["lr"] = 0.01 * (1 - step / 8)
        alone(x=x, labels=labels).loss.backward()
        torch.nn.utils.clip_grad_norm_(alone.parameters(), 1)
        optimizer.step()
        optimizer.zero_grad()
    for expected, *found in zip(*(m.parameters() for m in (alone, whole, *resumed)), strict=True):
        for parameter in found:
            torch.testing.assert_close(parameter, expected)


def test_workers_of_a_dataloader_are_refused(monkeypatch):
    fresh = batches(COUNTER, 10)
    assert isinstance(fresh, Batches) and iter(fresh) is fresh
    x, _ = next(iter(torch.utils.data.DataLoader(fresh, batch_size=None)))
    assert x.shape == (10, 40)
    monkeypatch.setattr(module, "get_worker_info", lambda: "what torch tells in a worker")
    with pytest.raises(RuntimeError, match="every worker of the DataLoader would make the same"):
        iter(fresh)


def test_more_rows_are_drawn_at_a_time_where_launches_cost_time(monkeypatch):
    assert batches(COUNTER, 64)._count == 31 * 64 <= module.CPU_ROWS
    assert batches(COUNTER, 3000)._count == 3000
