"""Streams of the counter stream: resumed, reordered, shared by nodes and workers, without end."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from datasets.distributed import split_dataset_by_node

import mnist1d_hf
from mnist1d_hf.data.rows import MOST_SHARDS, shard_ranges
from mnist1d_hf.signals.generate import make_range
from mnist1d_hf.signals.params import SignalParams

ROWS = 7300
COUNTER = SignalParams(stream="counter")


@pytest.fixture(autouse=True)
def many_small_shards(monkeypatch):
    """Four shards of 2000, 2000, 2000 and 1300 rows; tables of 700."""
    monkeypatch.setattr("mnist1d_hf.data.rows.SHARD_ROWS", 2000)
    monkeypatch.setattr("mnist1d_hf.data.mnist1d.TABLE_ROWS", 700)


@pytest.fixture
def made(monkeypatch):
    """The ranges of rows that were generated, as they are generated."""
    ranges = []
    monkeypatch.setattr(
        "mnist1d_hf.data.rows.make_range",
        lambda params, start, stop: ranges.append((start, stop)) or make_range(params, start, stop),
    )
    return ranges


def stream(num_samples=ROWS, **keywords):
    keywords = {"train_split": 1, "split": "train", "stream": "counter", **keywords}
    return mnist1d_hf.load_dataset(num_samples=num_samples, streaming=True, **keywords)


def at_epoch(epoch, stream):
    """A transformation begins at epoch 0 again, so the epoch is set last."""
    stream.set_epoch(epoch)
    return stream


def values(batch):
    """x of a row, of a batch or of a table: (n, 40)."""
    if not isinstance(batch, pa.Table):
        return np.asarray(batch["x"], dtype=np.float32).reshape(-1, 40)
    column = batch.column("x").combine_chunks()
    if pa.types.is_list(column.type):  # a batch in one row
        column = column.flatten()
    return column.flatten().to_numpy().reshape(-1, 40)


def collect(batches):
    return np.concatenate([values(batch) for batch in batches])


def sort(x):
    return x[np.lexsort(x.T)]


def assert_same_rows(x, y):
    np.testing.assert_array_equal(sort(x), sort(y), strict=True)


@pytest.fixture(scope="module")
def whole():
    return make_range(COUNTER, 0, ROWS)[0]


# --- where it stopped ----------------------------------------------------------------------------

PIPELINES = {
    "rows": lambda s: s,
    "mapped rows": lambda s: s.map(lambda row: {"odd": row["label"] % 2}),
    "batches": lambda s: s.batch(64),
    "numpy batches": lambda s: s.with_format("numpy").batch(64),
    "torch batches": lambda s: s.with_format("torch").batch(64),
    "Arrow batches": lambda s: s.with_format("arrow").batch(64),
    "batches of blocks": lambda s: s.reshard().with_format("arrow").batch(64),
    "a node's batches": lambda s: split_dataset_by_node(s, 1, 2).with_format("arrow").batch(64),
    "a third of the rows": lambda s: split_dataset_by_node(s, 1, 3),
}


@pytest.mark.parametrize("epoch", [0, 3])
@pytest.mark.parametrize("name", PIPELINES)
def test_every_pipeline_resumes_where_it_stopped(name, epoch):
    if "torch" in name:
        pytest.importorskip("torch")
    pipeline = at_epoch(epoch, PIPELINES[name](stream()))
    length = sum(1 for _ in pipeline)
    # at the end of a table and a shard, beside it, within them, and before the last
    stops = {1, 31, 32, 2000, length // 2, length - 1}
    expected, states = [], {}
    for number, batch in enumerate(pipeline, start=1):
        expected.append(values(batch))
        if number in stops:
            states[number] = json.dumps(pipeline.state_dict())  # what any checkpoint can hold
    for stop, state in states.items():
        resumed = at_epoch(epoch, PIPELINES[name](stream()))
        resumed.load_state_dict(json.loads(state))
        rest = collect(resumed)
        np.testing.assert_array_equal(rest, np.concatenate(expected[stop:]), strict=True)


@pytest.mark.parametrize("size", [64, 900, 1000])
@pytest.mark.parametrize("kind", ["arrow", "numpy", "torch"])
def test_batches_of_iter_resume_too(whole, kind, size):
    if kind == "torch":
        pytest.importorskip("torch")
    for stop in (1, 3, 7):
        interrupted, resumed = (stream().with_format(kind) for _ in range(2))
        batches = interrupted.iter(size)
        for _ in range(stop):
            next(batches)
        resumed.load_state_dict(interrupted.state_dict())
        np.testing.assert_array_equal(collect(resumed.iter(size)), whole[stop * size :])


def test_resuming_makes_one_shard_again(made):
    interrupted, resumed = (stream().with_format("arrow") for _ in range(2))
    batches = interrupted.iter(100)
    for _ in range(55):  # 5500 rows: in the third table of the third shard
        next(batches)
    resumed.load_state_dict(interrupted.state_dict())
    made.clear()
    next(resumed.iter(100))
    assert made == [(4000, 4700), (4700, 5400), (5400, 6000)]


# --- in another order ----------------------------------------------------------------------------


def test_epochs_permute_the_shards_and_their_rows_without_a_buffer(whole, made):
    shards = {2000 * k: whole[2000 * k : 2000 * k + 2000] for k in range(4)}
    orders = []
    for epoch in range(5):
        made.clear()
        x = collect(at_epoch(epoch, stream().with_format("arrow")).iter(1000))
        order = [start for start, _ in made if start in shards]
        for start in order:
            part, x = x[: len(shards[start])], x[len(shards[start]) :]
            assert_same_rows(part, shards[start])
            assert np.array_equal(part, shards[start]) == (epoch == 0)
        orders.append(tuple(order))
    assert orders[0] == (0, 2000, 4000, 6000)
    assert len(set(orders)) > 3
    made.clear()
    next(iter(at_epoch(3, stream())))
    assert len(made) == 1  # one table is all that the first row of a permuted epoch waits for


def test_resharded_streams_permute_blocks(whole):
    resharded = stream().reshard()
    assert resharded.num_shards == 8
    np.testing.assert_array_equal(collect(resharded.with_format("arrow").iter(1000)), whole)
    blocks = {row.tobytes(): number // 1000 for number, row in enumerate(whole)}
    orders = set()
    for epoch in (1, 2):
        x = collect(at_epoch(epoch, resharded.with_format("arrow")).iter(700))
        numbers = np.array([blocks[row.tobytes()] for row in x])
        starts = np.flatnonzero(np.diff(numbers, prepend=-1))
        assert len(starts) == 8  # each block in one piece
        orders.add(tuple(numbers[starts]))
    assert len(orders) == 2 and all(len(set(order)) == 8 for order in orders)


CHANGES = {
    "as it is": lambda s: s,
    "resharded": lambda s: s.reshard(),
    "a part": lambda s: s.shard(2, 0) if s.num_shards > 1 else s,
    "mapped": lambda s: s.map(lambda row: row),
    "batched": lambda s: s.with_format("arrow").batch(3),
    "resharded, mapped and batched": lambda s: s.reshard().map(lambda row: row).batch(2),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", ["counter", "frozen"])
@pytest.mark.parametrize("rows", [10, 13, 40])
def test_no_epoch_has_the_order_of_epoch_0(kind, rows, change):
    if kind == "frozen":
        rows = rows // 10 * 10
    pipeline = CHANGES[change](stream(num_samples=rows, stream=kind))
    first = collect(pipeline).tobytes()
    rows_in_order = collect(pipeline)
    orders = set()
    for epoch in range(1, 60):
        x = collect(at_epoch(epoch, pipeline))
        assert_same_rows(x, rows_in_order)
        assert x.tobytes() != first, f"epoch {epoch}"
        orders.add(x.tobytes())
    assert len(orders) > 55 or len(rows_in_order) < 10  # few rows have few orders
    assert collect(at_epoch(0, pipeline)).tobytes() == first


@pytest.mark.parametrize("shards", range(1, 9))
def test_no_epoch_has_the_order_of_epoch_0_whatever_the_number_of_shards(monkeypatch, shards):
    monkeypatch.setattr("mnist1d_hf.data.rows.NUM_SHARDS", shards)
    pipeline = stream(num_samples=16, train_split=1).with_format("arrow")
    assert pipeline.num_shards == shards or shards in (5, 6, 7)
    first = collect(pipeline.iter(100))
    for epoch in range(1, 300):
        assert not np.array_equal(collect(at_epoch(epoch, pipeline).iter(100)), first)


@pytest.mark.parametrize("rows", [2, 3, 4])
def test_the_fewest_rows_change_their_order_too(rows):
    """Of two rows there is one other order, of one row none."""
    train = stream(num_samples=10, train_split=rows / 10).with_format("arrow")
    first = collect(train.iter(100))
    assert len(first) == rows
    for epoch in range(1, 100):
        assert not np.array_equal(collect(at_epoch(epoch, train).iter(100)), first)


def test_an_epoch_does_not_depend_on_when_it_was_set(whole):
    once, again = (at_epoch(3, stream()) for _ in range(2))
    for epoch in (1, 2, 3):
        again.set_epoch(epoch)
    np.testing.assert_array_equal(collect(once), collect(again))


def test_trainer_sees_another_order_in_every_epoch(tmp_path):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    seen = []

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(40))

        def forward(self, x, labels=None):
            seen.append(x.clone())
            return {"loss": (x @ self.weight).square().mean()}

    args = transformers.TrainingArguments(
        str(tmp_path), max_steps=20, per_device_train_batch_size=100, save_strategy="no",
        report_to="none", use_cpu=True, disable_tqdm=True,
    )  # fmt: skip
    for kind in ("counter", "frozen"):
        seen.clear()
        train = stream(num_samples=400, stream=kind)
        transformers.Trainer(Model(), args, train_dataset=train).train()
        epochs = [torch.cat(seen[start : start + 4]).numpy() for start in range(0, 20, 4)]
        for x in epochs:
            assert_same_rows(x, epochs[0])
        assert len({x.tobytes() for x in epochs}) == 5


def test_blocks_cover_the_rows_of_every_split_once():
    keywords = {"train_split": 0.9, "validation_size": 1777}
    for split, rows in {"train": 4793, "validation": 1777, "test": 730}.items():
        plain = stream(split=split, **keywords)
        resharded = plain.reshard()
        assert resharded.num_shards >= rows / 1000
        x = collect(resharded.with_format("arrow").iter(1000))
        np.testing.assert_array_equal(x, collect(plain.with_format("arrow").iter(1000)))
        assert len(x) == rows


def test_resharding_the_longest_streams_keeps_the_list_short():
    builder = mnist1d_hf.load_dataset_builder(stream="counter")
    shard = (40 * 10**6, 50 * 10**6)
    [found] = builder._generate_more_gen_kwargs(
        split="train", ranges=[shard, (50 * 10**6, 50_000_500)]
    )
    assert len(found["ranges"]) <= 10**7 / 2000 + 1  # a shard of 2000 rows has two blocks
    starts, stops = zip(*found["ranges"], strict=True)
    assert starts[1:] == stops[:-1] and (starts[0], stops[-1]) == (40 * 10**6, 50_000_500)
    assert not any(start % 1000 for start in starts)


# --- shared out ----------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["auto", "shards", "examples"])
@pytest.mark.parametrize("world_size", [2, 3, 4])
@pytest.mark.parametrize("epoch", [0, 2])
def test_nodes_share_the_rows(whole, world_size, strategy, epoch):
    parts = []
    for rank in range(world_size):
        node = split_dataset_by_node(stream(), rank, world_size, strategy=strategy)
        parts.append(collect(at_epoch(epoch, node.with_format("arrow")).iter(500)))
    assert min(map(len, parts)) > 0
    assert_same_rows(np.concatenate(parts), whole)  # all of them, none twice


def test_nodes_make_no_rows_of_others(made):
    node = split_dataset_by_node(stream().reshard(), 2, 3, strategy="shards")
    rows = sum(len(table) for table in node.with_format("arrow").iter(500))
    assert sum(stop - start for start, stop in made) == rows == 2000  # blocks 2 and 5


WORKERS = """
import hashlib
import numpy as np
import mnist1d_hf
from torch.utils.data import DataLoader
from mnist1d_hf.signals.generate import make_range
from mnist1d_hf.signals.params import SignalParams
from mnist1d_hf.data.tensors import collate

def digests(x, labels):
    return sorted(hashlib.md5(a.tobytes() + bytes([b])).digest() for a, b in zip(x, labels))

if __name__ == "__main__":
    expected = digests(*make_range(SignalParams(stream="counter"), 0, 6100))
    stream = mnist1d_hf.load_dataset(
        stream="counter", num_samples=6100, train_split=1, split="train", streaming=True
    ).with_format("arrow").batch(64)
    orders = set()
    for context, num_workers in CASES:
        loader = DataLoader(
            stream, batch_size=None, collate_fn=collate, num_workers=num_workers,
            multiprocessing_context=context, persistent_workers=num_workers > 0,
        )
        for epoch in (0, 5):
            stream.set_epoch(epoch)  # reaches workers that are there already
            batches = list(loader)
            x, labels = (np.concatenate([b[k].numpy() for b in batches]) for k in ("x", "labels"))
            assert digests(x, labels) == expected, f"{num_workers} workers, {context}: other rows"
            orders.add(labels.tobytes())
    assert len(orders) > len(CASES)
    print("done")
"""


@pytest.mark.parametrize(
    "cases",
    [[(None, 0), ("fork", 1), ("fork", 2), ("fork", 3)], [("spawn", 3)]],
    ids=["fork", "spawn"],
)
def test_any_number_of_workers_gives_the_same_rows(tmp_path, cases):
    pytest.importorskip("torch")
    script = tmp_path / "script.py"
    script.write_text(WORKERS.replace("CASES", repr(cases)))
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, env=os.environ
    )
    assert "done" in done.stdout, done.stderr[-3000:]


def test_the_example_of_the_card(root):
    pytest.importorskip("torch")
    card = (root / "dataset_card/README.md").read_text(encoding="utf-8")
    [example] = re.findall(r"### Without files\n.*?```py\n(.*?)```", card, re.DOTALL)
    assert "num_workers=2" in example
    names = {}
    exec(example.replace("num_workers=2", "num_workers=0") + "    break\n", names)
    assert names["x"].shape == (100, 40) and names["labels"].shape == (100,)


# --- without end ---------------------------------------------------------------------------------


def test_a_stream_of_any_length_starts_at_once(made):
    endless = stream(10**15)
    x = values(next(endless.with_format("arrow").iter(700)))
    np.testing.assert_array_equal(x, make_range(COUNTER, 0, 700)[0])
    assert made == [(0, 700)]
    assert endless.num_shards == MOST_SHARDS


def test_long_splits_have_few_shards_of_whole_blocks():
    for stop in (10**9 + 1, 10**12, 2**60 + 3):
        ranges = shard_ranges(0, stop)
        assert len(ranges) <= MOST_SHARDS
        assert ranges[0][0] == 0 and ranges[-1][1] == stop
        starts, stops = zip(*ranges, strict=True)
        assert starts[1:] == stops[:-1] and not any(start % 1000 for start in starts)


def test_every_row_is_made_once(made):
    for kind in ("arrow", "numpy"):
        made.clear()
        assert sum(len(batch["label"]) for batch in stream().with_format(kind).iter(64)) == ROWS
        assert sum(stop - start for start, stop in made) == ROWS
