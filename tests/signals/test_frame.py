import numpy as np
import pytest

from mnist1d_hf.signals.counter import prepare
from mnist1d_hf.signals.frame import frame
from mnist1d_hf.signals.generate import make_mnist1d, make_range
from mnist1d_hf.signals.params import SignalParams
from mnist1d_hf.signals.render import time_axis
from mnist1d_hf.signals.templates import Templates, templates


@pytest.mark.parametrize("stream", ["frozen", "counter"])
def test_undone_rows_are_raw_signals_in_their_own_order(stream):
    sets = [
        SignalParams(num_samples=200, stream=stream, shuffle_seq=shuffle, label_noise=0.5)
        for shuffle in (False, True)
    ]
    rows = [make_mnist1d(params).x_train for params in sets]
    plain, shuffled = (frame(params).undo(x) for params, x in zip(sets, rows, strict=True))
    np.testing.assert_allclose(plain, shuffled, atol=1e-6)
    where = frame(sets[1])
    assert sorted(where.order) == list(range(40)) and (where.order != range(40)).any()
    np.testing.assert_allclose((plain[:, where.order] - where.mean) / where.std, rows[1], atol=1e-5)


def test_the_constants_are_those_of_the_set():
    params = SignalParams(num_samples=100, seed=3)
    data, where = make_mnist1d(params), frame(params)
    np.testing.assert_allclose(time_axis(templates(), params) / where.std, data.t)
    assert where.undo(np.concatenate([data.x_train, data.x_test])).mean() == pytest.approx(
        where.mean
    )
    endless = SignalParams(stream="counter")
    assert frame(endless)[:2] == (prepare(endless).mean, prepare(endless).std)
    custom = Templates(2 * templates().x, templates().t, templates().y)
    for stream in ("frozen", "counter"):
        params = SignalParams(num_samples=100, stream=stream)
        assert frame(params, custom).std > 1.5 * frame(params).std


def test_a_set_that_cannot_be_made_has_no_frame():
    many = Templates(np.zeros((11, 3)), np.arange(3.0), np.arange(11))
    with pytest.raises(ValueError, match="num_samples=10: must be at least the number of classes"):
        frame(SignalParams(num_samples=10), many)
    still = {"scale_coeff": 0, "corr_noise_scale": 0, "iid_noise_scale": 0, "shear_scale": 0}
    flat = Templates(np.zeros((10, 3)), np.arange(3.0), np.arange(10))
    with pytest.raises(ValueError, match="x is constant"):
        frame(SignalParams(num_samples=10, padding=(0, 0), max_translation=1, **still), flat)


def test_float32_rows_are_undone_in_float64():
    params = SignalParams(stream="counter")
    x, _ = make_range(params, 0, 5)
    assert frame(params).undo(x).dtype == np.float64
