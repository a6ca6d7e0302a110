import hashlib
import random
import types

import mnist1d.data
import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from mnist1d_hf.signals.generate import make_mnist1d, make_range
from mnist1d_hf.signals.params import CONFIGS, STREAMS, SignalParams
from mnist1d_hf.signals.templates import Templates, templates

# of the little-endian bytes of the frozen file that the paper's results come from, x and t as
# float32 and labels as int64
FROZEN_FILE = {
    "x_train": "d53506bddd12d3b72c7153b1ae7f34807724b1dd078a7273809bf9d0792319f6",
    "x_test": "30addc43827c82aafa5db8bc97cea63349ca687e87db2f201cc4f5415d9a4ebd",
    "t": "0352efd10cd28e71a0f722fade89db2c326ee004a7dcf8c9704a5adaf0bad6c8",
    "y_train": "d97dc7aecec8ad6b5d8f143ba3e9c4bd7e25c420d7dfc2eb990591cfc0ed3e15",
    "y_test": "8de99be3ff9dab15ae0dc072c3d6ced7cf6b33d365888ce4a386fc944489452c",
}
# SHA-1 of the noisy training labels in the notebook on deep double descent
NOISY_LABELS = "06713a2006927f8a2944dcc48e6149ad6fd9a8ad"


def original(params, custom=None):
    """`make_dataset` of the original package, leaving the global generators as they were."""
    args = types.SimpleNamespace(**vars(params))
    states = random.getstate(), np.random.get_state()
    try:
        with np.errstate(invalid="ignore", divide="ignore"):
            return mnist1d.data.make_dataset(args, custom and custom._asdict())
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])


def assert_same_bits(params, custom=None):
    theirs = original(params, custom)
    try:
        ours = make_mnist1d(params, templates=custom)
    except ValueError as error:
        assert "x is constant" in str(error)
        assert not np.abs(theirs["t"]).max() < 1e4  # the original divides by next to nothing
        return
    for name, key in {
        "x_train": "x", "y_train": "y", "x_test": "x_test", "y_test": "y_test", "t": "t"
    }.items():  # fmt: skip
        np.testing.assert_array_equal(getattr(ours, name), theirs[key], strict=True, err_msg=name)


scales = st.just(0.0) | st.floats(0, 3, allow_subnormal=False)


@st.composite
def all_params(draw):
    """Any parameters of the original, with few rows."""
    low = draw(st.integers(0, 70))
    padding = (low, draw(st.integers(low, 80)))
    template_len = draw(st.integers(2, 30))
    return SignalParams(
        num_samples=draw(st.integers(10, 45)),
        train_split=draw(st.sampled_from([0, 0.8, 1]) | st.floats(0, 1)),
        template_len=template_len,
        padding=padding,
        scale_coeff=draw(scales),
        max_translation=draw(st.integers(1, template_len + padding[1])),
        corr_noise_scale=draw(scales),
        iid_noise_scale=draw(scales),
        shear_scale=draw(scales),
        shuffle_seq=draw(st.booleans()),
        final_seq_length=draw(st.integers(1, 144)),
        seed=draw(st.integers(0, 2**32 - 1)),
    )


@given(all_params())
@example(SignalParams(num_samples=40, max_translation=1))
@example(SignalParams(num_samples=40, max_translation=2))
@example(SignalParams(num_samples=40, max_translation=64))
@example(SignalParams(num_samples=40, max_translation=65))
@example(SignalParams(num_samples=40, max_translation=72))
@example(SignalParams(num_samples=40, padding=(0, 0), max_translation=12))
@example(SignalParams(num_samples=40, padding=(0, 0), max_translation=1, final_seq_length=12))
@example(SignalParams(num_samples=40, final_seq_length=1))
@example(SignalParams(num_samples=40, final_seq_length=72))
@example(SignalParams(num_samples=40, final_seq_length=144))
@example(SignalParams(num_samples=49, shuffle_seq=True))
@example(SignalParams(num_samples=10, train_split=0.99))
@example(SignalParams(num_samples=1010, train_split=0.57))  # more than one batch
@settings(max_examples=120)
def test_every_parameter_gives_the_bits_of_the_original(params):
    assert_same_bits(params)


@st.composite
def all_templates(draw):
    num_classes, num_points = draw(st.integers(1, 13)), draw(st.integers(2, 25))
    rng = np.random.RandomState(draw(st.integers(0, 99)))
    t = np.sort(rng.randn(num_points))
    return Templates(rng.randn(num_classes, num_points), t, rng.permutation(num_classes) * 3)


@given(all_params(), all_templates())
@settings(max_examples=40)
def test_custom_templates_give_the_bits_of_the_original(params, custom):
    assume(params.num_samples >= len(custom.y))
    assert_same_bits(params, custom)


def test_a_preset_at_full_size_has_the_bits_of_the_original():
    assert_same_bits(CONFIGS["shuffled"])


@pytest.fixture(scope="module")
def default():
    return make_mnist1d()


@pytest.mark.parametrize("name", FROZEN_FILE)
def test_the_default_is_the_frozen_file(default, name):
    values = getattr(default, name)
    stored = values.astype("<i8" if name.startswith("y") else "<f4")
    assert hashlib.sha256(stored.tobytes()).hexdigest() == FROZEN_FILE[name]


def test_label_noise_is_that_of_the_double_descent_notebook():
    params = SignalParams(num_samples=16_000, train_split=0.25, label_noise=0.15)
    clean = make_mnist1d(SignalParams(num_samples=16_000, train_split=0.25))
    noisy = make_mnist1d(params)
    assert hashlib.sha1(noisy.y_train.astype("<i8").tobytes()).hexdigest() == NOISY_LABELS
    assert (noisy.y_train != clean.y_train).sum() == 577
    for name in ("x_train", "x_test", "y_test", "t"):
        np.testing.assert_array_equal(getattr(noisy, name), getattr(clean, name))


@pytest.mark.parametrize("stream", ["frozen", "counter"])
def test_validation_is_the_last_rows_of_train(stream):
    params = SignalParams(num_samples=200, label_noise=0.3, stream=stream)
    whole = make_mnist1d(params)
    split = make_mnist1d(SignalParams(**{**vars(params), "validation_size": 30}))
    assert split.x_validation.shape == (30, 40) and split.y_validation.shape == (30,)
    for letter in "xy":
        parts = [getattr(split, f"{letter}_train"), getattr(split, f"{letter}_validation")]
        np.testing.assert_array_equal(np.concatenate(parts), getattr(whole, f"{letter}_train"))
        np.testing.assert_array_equal(
            getattr(split, f"{letter}_test"), getattr(whole, f"{letter}_test")
        )


@pytest.mark.parametrize("stream", ["frozen", "counter"])
def test_the_callers_random_state_is_untouched(stream):
    random.seed(1)
    np.random.seed(1)
    before = random.getstate(), np.random.get_state(legacy=False)
    make_mnist1d(SignalParams(num_samples=50, shuffle_seq=True, label_noise=0.5, stream=stream))
    assert random.getstate() == before[0]
    after = np.random.get_state(legacy=False)
    np.testing.assert_equal(after, before[1])


def test_data_that_cannot_be_normalised_are_refused():
    still = dict(scale_coeff=0, corr_noise_scale=0, iid_noise_scale=0, shear_scale=0)
    for stream in ("frozen", "counter"):
        params = SignalParams(**still, max_translation=1, final_seq_length=1, stream=stream)
        with pytest.raises(ValueError, match="x is constant .* cannot be normalised"):
            make_mnist1d(params)


def test_templates_that_leave_a_class_or_the_validation_without_rows_are_refused():
    x, t, y = templates()
    many = Templates(np.tile(x, (2, 1)), t, np.arange(20))
    with pytest.raises(ValueError, match="num_samples=19: must be at least .* classes, 20"):
        make_mnist1d(SignalParams(num_samples=19), templates=many)
    with pytest.raises(ValueError, match="validation_size=24: must be at most 16, .* 20 classes"):
        make_mnist1d(SignalParams(num_samples=30, validation_size=24), templates=many)
    with pytest.raises(ValueError, match="templates.y has dtype float64"):
        make_mnist1d(templates=Templates(x, t, y / 1))


def test_more_than_any_memory_holds_is_refused_before_anything_is_drawn():
    with pytest.raises(MemoryError):
        make_mnist1d(SignalParams(num_samples=2**31, final_seq_length=2**16))


@pytest.mark.parametrize(
    "start, stop, message",
    [
        (-1, 5, "start=-1: must be an integer from 0 to"),
        (5, 4, "stop=4: must be an integer from 5 to"),
        (0, 2.5, "stop=2.5: must be an integer from 0 to"),
        (0, 2**63, "stop=9223372036854775808: must be an integer from 0 to"),
    ],
)
def test_a_bad_range_is_refused(start, stop, message):
    with pytest.raises(ValueError, match=message):
        make_range(SignalParams(stream="counter"), start, stop)


def test_the_frozen_stream_has_no_ranges():
    with pytest.raises(ValueError, match="stream='frozen': .* only with stream='counter'"):
        make_range(SignalParams(), 0, 10)


@pytest.mark.parametrize("stream", STREAMS)
def test_progress_counts_every_row_once(stream):
    steps = []
    make_mnist1d(SignalParams(num_samples=12_340, stream=stream), advance=steps.append)
    assert sum(steps) == 12_340 and len(steps) > 2
