"""The benchmark of scale: what it derives from what it measures."""

import sys

import numpy as np
import pytest

from mnist1d_hf.signals.generate import make_range


@pytest.fixture(scope="module")
def scale(root):
    sys.path.insert(0, str(root / "scripts"))
    try:
        from benchmarks import scale

        yield scale
    finally:
        sys.path.remove(str(root / "scripts"))


def test_it_runs_small(scale):
    result = scale.measure(rounds=1, rows=4000, largest=20_000, engines=False)
    rows = {(r["what"], r["against"]): r["value"] for r in result["rows"]}
    assert all(value > 0 for value in rows.values())
    assert [g["rows"] for g in result["growth"]] == [20, 200, 2000, 20_000]
    assert 130 < result["growth"][-1]["bytes per row"] < 160
    assert f"{rows['make_range', '']:,.0f}" in result["note"]
    totals = {(p["rows"], p["machines"]) for p in result["projection"]}
    assert totals == {(10**9, 1), (10**9, 16), (10**10, 1), (10**10, 16)}


def test_the_exponent_is_that_of_a_power(scale):
    for k in (0.5, 1, 2):
        grown = [{"rows": rows, "CPU s": 3e-6 * rows**k} for rows in (10**4, 10**5, 10**7)]
        assert scale.exponent(grown) == pytest.approx(k)


def test_a_projection_follows_from_its_constants(scale):
    found = scale.project(10**9, machines=2, per_row=3.6e-6, size=125.0, efficiency=0.5)
    assert found["cores"] == 32
    assert found["hours"] == pytest.approx(3600 / 32 / 0.5 / 3600)
    assert found["GB"] == 125 and found["hours to send"] == pytest.approx(1000 / 3600)
    assert (found["files"], found["commits"]) == (250, 5)


def test_rows_made_before_are_the_rows(scale):
    with scale.without_generation(3000):
        stream = scale.mnist1d_hf.load_dataset(
            stream="counter", num_samples=3000, train_split=1, streaming=True, split="train"
        )
        x = [batch["x"] for batch in stream.with_format("numpy").iter(1000)]
    np.testing.assert_array_equal(np.concatenate(x), make_range(scale.COUNTER, 0, 3000)[0])
