import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from mnist1d_hf.signals.counter import TEST_START, BlockDraws, draw_block
from mnist1d_hf.signals.frame import frame
from mnist1d_hf.signals.frozen import Draws
from mnist1d_hf.signals.generate import make_mnist1d, make_range
from mnist1d_hf.signals.params import CONFIGS, SignalParams, config_params
from mnist1d_hf.signals.posterior import class_posterior, latent_posterior, log_density
from mnist1d_hf.signals.render import dilated_table, render, resample, rotations
from mnist1d_hf.signals.templates import Templates, templates

# few components, much noise: every component matters to every row
SHORT = {"template_len": 4, "padding": (1, 3), "max_translation": 7, "iid_noise_scale": 0.3}
# the second point is exactly zero once EPSILON is added: the class has a mask of its own
GAPPED = Templates(
    x=np.array([[0.5, -1e-8, -1e-8, 0.5], [0.5, 0.5, 0.2, 0.1], [-0.4, -0.4, 0.3, 0.3]]),
    t=np.arange(4.0),
    y=np.array([4, 0, 7]),
)
TINY = 1e-12


def counter_rows(n, start=TEST_START, custom=None, **params):
    params = SignalParams(stream="counter", **params)
    return *make_range(params, start, start + n, templates=custom), params


def assert_calibrated(probabilities, classes):
    """Accuracy and cross-entropy are what the probabilities say, within 4 standard errors."""
    rows = np.arange(len(classes))
    best = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == classes
    spread = np.sqrt((best * (1 - best)).sum())
    assert abs((right - best).sum()) <= 4 * spread + 1e-9
    log = np.log(np.maximum(probabilities, TINY))
    entropy = -(probabilities * log).sum(axis=1)
    spread = np.sqrt(((probabilities * log**2).sum(axis=1) - entropy**2).sum())
    assert abs((-log[rows, classes] - entropy).sum()) <= 4 * spread + 1e-9


# ---------------------------------------------------------------- what must come out


@pytest.mark.parametrize("name", CONFIGS)
def test_the_optimum_is_as_good_as_it_says_on_every_config(name):
    params = config_params(name, stream="counter")
    x, y = make_range(params, TEST_START, TEST_START + 2000)
    assert_calibrated(class_posterior(x, params), y)


@pytest.mark.parametrize(
    ("overrides", "accuracy"),
    [
        ({"iid_noise_scale": 0.02}, 0.9998),
        ({"iid_noise_scale": 0.05}, 0.978),
        ({"iid_noise_scale": 0.1}, 0.838),
        ({"iid_noise_scale": 0.2}, 0.537),
        ({"iid_noise_scale": 0.4}, 0.286),
        ({"corr_noise_scale": 0.5}, 0.9992),
        ({"final_seq_length": 20}, 0.949),
        ({"final_seq_length": 12}, 0.577),
    ],
)
def test_the_optimum_is_as_good_as_it_says_at_every_noise(overrides, accuracy):
    x, y, params = counter_rows(1000, **overrides)
    probabilities = class_posterior(x, params)
    assert_calibrated(probabilities, y)
    best = probabilities.max(axis=1)
    # expected accuracies known from a separate calculation with 1,000 to 20,000 rows
    assert abs(best.mean() - accuracy) <= 4 * best.std() * np.sqrt(2 / 1000) + 1e-3


def test_all_the_papers_rows_are_right_and_one_test_row_is_ambiguous():
    data = make_mnist1d()
    test, train = (class_posterior(x, SignalParams()) for x in (data.x_test, data.x_train))
    assert (test.argmax(axis=1) == data.y_test).all()
    assert (train.argmax(axis=1) == data.y_train).all()
    assert 1000 - test.max(axis=1).sum() == pytest.approx(0.525, abs=0.005)
    assert 4000 - train.max(axis=1).sum() == pytest.approx(0.789, abs=0.005)
    assert test.max(axis=1).argmin() == 29
    assert test[29].max() == pytest.approx(0.587, abs=0.002)
    assert test[29].argmax() == data.y_test[29] == 7
    assert (np.sort(test.max(axis=1))[1:] > 0.9).all()


@pytest.mark.parametrize("stream", ["frozen", "counter"])
def test_the_order_of_the_positions_does_not_matter(stream):
    plain, shuffled = (config_params(name, stream=stream) for name in ("default", "shuffled"))
    rows = [make_mnist1d(params).x_test[:100] for params in (plain, shuffled)]
    assert not np.allclose(*rows)
    here, there = (log_density(x, p) for x, p in zip(rows, (plain, shuffled), strict=True))
    np.testing.assert_allclose(here, there, atol=1e-6)
    here, there = (class_posterior(x, p) for x, p in zip(rows, (plain, shuffled), strict=True))
    np.testing.assert_allclose(here, there, atol=1e-7)


def test_no_other_parameters_describe_the_rows_as_well():
    x, _, truth = counter_rows(1000)
    best = log_density(x, truth)
    for other in (
        {"iid_noise_scale": 0.018},
        {"iid_noise_scale": 0.022},
        {"corr_noise_scale": 0.22},
        {"corr_noise_scale": 0.28},
        {"scale_coeff": 0.35},
        {"scale_coeff": 0.45},
        {"shear_scale": 0.65},
        {"shear_scale": 0.85},
        {"max_translation": 44},
        {"max_translation": 60},
        {"padding": (30, 60)},
        {"padding": (42, 60)},
    ):
        params = config_params("default", stream="counter", **other)
        difference = best - log_density(x, params)
        assert difference.mean() > 0, other


# ---------------------------------------------------------------- density


def test_the_density_is_that_of_simulated_signals():
    """Against a mean of normal densities around 300,000 signals rendered without their noise."""
    params = SignalParams(**SHORT, final_seq_length=3, stream="counter")
    n, length = 300_000, params.padded_length
    rng = np.random.default_rng(1)
    draws = Draws(
        padding=rng.random(n),
        scale=rng.random(n),
        shift=rng.integers(params.max_translation, size=n),
        noise=rng.standard_normal((n, 2 * length)) * (np.arange(2 * length) < length),
        shear=rng.random(n),
    )
    classes = np.arange(n) % 10
    centres = render(rotations(dilated_table(templates(), params)), classes, draws, params)
    sampling = resample(np.eye(length), 3).T
    noise = params.iid_noise_scale**2 * sampling @ sampling.T
    where = frame(params)
    x, _ = make_range(params, 0, 12)
    found = log_density(x, params, by_class=True)
    np.testing.assert_allclose(
        log_density(x, params), logsumexp(found, axis=1) - np.log(10), atol=1e-8
    )
    for row, values in zip(where.undo(x), found, strict=True):
        # the volume of x is that of the signal over std^3
        density = multivariate_normal.pdf(centres, row, noise) * where.std**3
        for label in range(10):
            ours = density[classes == label]
            error = ours.std() / np.sqrt(len(ours))
            assert abs(np.exp(values[label]) - ours.mean()) < 4.5 * error


def test_the_density_of_two_positions_integrates_to_one():
    params = SignalParams(**SHORT, final_seq_length=2, stream="counter")
    axis = np.linspace(-7, 7, 141)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    total = np.exp(log_density(grid, params)).sum() * (axis[1] - axis[0]) ** 2
    assert total == pytest.approx(1, abs=1e-6)
    by_class = np.exp(log_density(grid, params, by_class=True)).sum(axis=0)
    np.testing.assert_allclose(by_class * (axis[1] - axis[0]) ** 2, 1, atol=1e-6)


def test_without_amplitude_and_slope_it_is_a_plain_mixture_of_normals():
    params = SignalParams(
        padding=(36, 38), max_translation=5, scale_coeff=0, shear_scale=0, stream="counter"
    )
    x, _ = make_range(params, 0, 5)
    where, length = frame(params), params.padded_length
    sampling = resample(np.eye(length), 40).T
    smoothing = gaussian_filter1d(np.eye(length), 2, axis=0)
    each = np.empty((10, 3, 5, len(x)))
    windows = rotations(dilated_table(templates(), params))
    for label, padding, shift in np.ndindex(each.shape[:3]):
        signal = windows[label, padding, shift]
        blur = params.corr_noise_scale * (signal == 0)[:, None] * smoothing
        covariance = sampling @ (blur @ blur.T + 0.02**2 * np.eye(length)) @ sampling.T
        normal = multivariate_normal(sampling @ signal, covariance)
        each[label, padding, shift] = normal.logpdf(where.undo(x))
    expected = logsumexp(each, axis=(1, 2)).T - np.log(15) + 40 * np.log(where.std)
    np.testing.assert_allclose(log_density(x, params, by_class=True), expected, rtol=1e-9)


# ---------------------------------------------------------------- labels, latents, templates


@pytest.mark.parametrize("stream", ["frozen", "counter"])
def test_given_labels_include_the_label_noise(stream):
    params = SignalParams(label_noise=0.4, iid_noise_scale=0.05, num_samples=2000, stream=stream)
    data = make_mnist1d(params)
    truth, given = (
        class_posterior(data.x_train, params, given_labels=noisy) for noisy in (False, True)
    )
    np.testing.assert_allclose(given, 0.6 * truth + 0.04, atol=1e-12)
    assert_calibrated(given, data.y_train)
    assert_calibrated(class_posterior(data.x_test, params), data.y_test)  # no noise there


@pytest.mark.parametrize(("iid_noise_scale", "n"), [(0.02, 1000), (0.1, 500)])
def test_latents_are_where_the_posterior_expects_them(iid_noise_scale, n):
    x, _, params = counter_rows(n, iid_noise_scale=iid_noise_scale)
    draws = BlockDraws(*(drawn[:n] for drawn in draw_block(params, TEST_START // 1000, 10)))
    found = latent_posterior(x, params)
    rows = np.arange(len(x))
    np.testing.assert_allclose(found.place.sum(axis=(1, 2)), 1)
    at_truth = found.place[rows, draws.padding, draws.shift]
    # the true place is one of those probable, in proportion to their probabilities
    expected = (found.place**2).sum(axis=(1, 2))
    spread = np.sqrt(((found.place**3).sum(axis=(1, 2)) - expected**2).sum())
    assert abs((at_truth - expected).sum()) < 4 * spread
    for drawn, width, mean, std, centre in (
        (draws.scale, params.scale_coeff, found.scale_mean, found.scale_std, 1),
        (draws.shear, params.shear_scale, found.slope_mean, found.slope_std, 0),
    ):
        truth = centre + width * (drawn - 0.5)
        assert (np.abs(mean - centre) <= width / 2).all() and (std > 0).all()
        assert std.mean() < width / np.sqrt(12)  # they tell more than the prior
        z = (truth - mean) / std
        assert abs(z.mean()) < 4 / np.sqrt(len(z))
        assert abs((z**2 - 1).mean()) < 4 * (z**2).std() / np.sqrt(len(z))


def test_templates_may_have_masks_of_their_own():
    params = SignalParams(iid_noise_scale=0.15, stream="counter")
    table = dilated_table(GAPPED, params) == 0
    assert (table[0] != table[1]).any()
    x, y = make_range(params, 0, 1000, templates=GAPPED)
    probabilities = class_posterior(x, params, templates=GAPPED)
    assert probabilities.shape == (1000, 3)  # a column for each row of the templates
    column = np.array([1, -1, -1, -1, 0, -1, -1, 2])[y]
    assert_calibrated(probabilities, column)
    frozen = SignalParams(num_samples=300, iid_noise_scale=0.15)
    data = make_mnist1d(frozen, templates=GAPPED)
    probabilities = class_posterior(data.x_train, frozen, templates=GAPPED)
    assert_calibrated(probabilities, np.array([1, -1, -1, -1, 0, -1, -1, 2])[data.y_train])
    one = Templates(GAPPED.x[:1], GAPPED.t, GAPPED.y[:1])
    assert (class_posterior(data.x_train[:5], frozen, templates=one) == 1).all()


@pytest.mark.parametrize("given_labels", [True, False])
def test_templates_must_be_templates(given_labels):
    wrong = {"templates": np.zeros((3, 12)), "given_labels": given_labels}
    with pytest.raises(ValueError, match=r"must be Templates\(x, t, y\)"):
        class_posterior(np.zeros((1, 40)), SignalParams(label_noise=0.1), **wrong)


def test_the_frozen_streams_noisy_labels_are_digits():
    params = SignalParams(label_noise=0.1)
    x = np.zeros((1, 40))
    with pytest.raises(ValueError, match="noisy labels from 0 to 9"):
        class_posterior(x, params, templates=GAPPED, given_labels=True)
    endless = SignalParams(label_noise=0.1, stream="counter")
    found = class_posterior(x, endless, templates=GAPPED, given_labels=True)
    assert found.min() >= 0.1 / 3 - 1e-12


# ---------------------------------------------------------------- degenerate parameters


@pytest.mark.parametrize(
    "overrides",
    [
        {"corr_noise_scale": 0},
        {"scale_coeff": 0},
        {"shear_scale": 0},
        {"scale_coeff": 0, "shear_scale": 0, "corr_noise_scale": 0},
        {"max_translation": 1},
        {"padding": (36, 36)},
        {"padding": (0, 0), "max_translation": 1, "final_seq_length": 12},
        {"final_seq_length": 1},
        {"final_seq_length": 2},
        {"final_seq_length": 72},
        {"scale_coeff": 3, "shear_scale": 5},
    ],
)
def test_degenerate_parameters_are_no_special_case(overrides):
    x, y, params = counter_rows(200, **{"iid_noise_scale": 0.1} | overrides)
    assert_calibrated(class_posterior(x, params), y)
    assert np.isfinite(log_density(x, params)).all()
    found = latent_posterior(x[:50], params)
    if not params.scale_coeff:
        np.testing.assert_allclose(found.scale_mean, 1)
        np.testing.assert_allclose(found.scale_std, 0, atol=1e-7)
    if not params.shear_scale:
        assert (found.slope_mean == 0).all() and (found.slope_std == 0).all()


@pytest.mark.parametrize("name", ["scale_coeff", "shear_scale", "corr_noise_scale"])
def test_a_scale_of_zero_is_the_limit_of_small_ones(name):
    x, _, none = counter_rows(50, **{name: 0})
    little = SignalParams(stream="counter", **{name: 1e-6})
    np.testing.assert_allclose(log_density(x, none), log_density(x, little), atol=1e-3)


def test_positions_beyond_the_padded_length_add_nothing_but_a_density():
    short = {"template_len": 12, "padding": (4, 8), "max_translation": 20, "iid_noise_scale": 0.1}
    x, y, params = counter_rows(200, **short, final_seq_length=20)
    longer, same, more = counter_rows(200, **short, final_seq_length=39)
    assert (y == same).all()
    np.testing.assert_allclose(class_posterior(longer, more), class_posterior(x, params), atol=1e-4)
    with pytest.raises(ValueError, match="final_seq_length=39.*no density; class_posterior works"):
        log_density(longer, more)


@pytest.mark.parametrize(
    "overrides",
    [
        {"iid_noise_scale": 0},
        {"iid_noise_scale": 1e-6},
        {"iid_noise_scale": 0.02, "shear_scale": 1e4},
    ],
)
def test_too_little_noise_is_refused(overrides):
    with pytest.raises(ValueError, match="iid_noise_scale=.*must be at least.*raise it"):
        class_posterior(np.zeros((1, 40)), SignalParams(stream="counter", **overrides))


@pytest.mark.parametrize("function", [class_posterior, log_density, latent_posterior])
@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros(40), r"x has shape \(40,\).*x\[None\]"),
        (np.zeros((2, 39)), r"x has shape \(2, 39\); it must be \(n, 40\)"),
        (np.zeros((1, 2, 40)), "x has shape"),
        (np.full((1, 40), "a"), "dtype"),
        (np.zeros((1, 40), dtype=complex), "dtype"),
        (np.array([[0.0] * 40, [np.nan] * 40]), r"x\[1\] is not finite"),
        (np.full((1, 40), np.inf), r"x\[0\] is not finite"),
        (np.full((1, 40), -1e7), r"x\[0\] is not finite or exceeds"),
        (np.full((1, 40), np.inf, dtype=np.float16), r"x\[0\] is not finite"),
        (np.full((1, 40), np.nan, dtype=np.float16), r"x\[0\] is not finite"),
        ([[0.0] * 40, [0.0] * 39], "rows have several lengths"),
        (np.ma.masked_equal(np.eye(1, 40), 1), "1 values are masked"),
    ],
)
def test_what_is_no_row_is_refused(function, x, message):
    with pytest.raises(ValueError, match=message):
        function(x, SignalParams(stream="counter"))


# ---------------------------------------------------------------- numerics


def test_precision_batches_and_progress_make_no_difference():
    x, _, params = counter_rows(100)
    done = []
    whole = class_posterior(x, params, advance=done.append)
    assert sum(done) == 100 and len(done) > 1
    assert whole.dtype == np.float64
    np.testing.assert_array_equal(whole, class_posterior(x.astype(np.float64), params))
    for row in (0, 57):
        one = class_posterior(x[row : row + 1], params)
        np.testing.assert_allclose(one[0], whole[row], rtol=1e-8, atol=1e-12)
    exact = make_mnist1d()
    rounded = exact.x_test.astype(np.float32)
    for function, tolerance in ((class_posterior, 1e-4), (log_density, 1e-3)):
        here, there = (function(rows, SignalParams()) for rows in (exact.x_test, rounded))
        np.testing.assert_allclose(here, there, atol=tolerance)
    assert class_posterior(x[:0], params).shape == (0, 10)
    assert log_density(x[:0], params).shape == (0,)
    assert latent_posterior(x[:0], params).place.shape == (0, 25, 48)


def test_rows_that_no_generator_makes_have_finite_densities():
    rng = np.random.default_rng(0)
    x = np.concatenate(
        [
            np.zeros((1, 40)),
            np.full((1, 40), 1000.0),
            np.linspace(-50, 50, 40)[None],
            10 ** np.arange(-3.0, 4)[:, None] * rng.standard_normal((7, 40)),
        ]
    )
    for params in (SignalParams(), SignalParams(iid_noise_scale=0.1)):
        np.testing.assert_allclose(class_posterior(x, params).sum(axis=1), 1)
        by_class = log_density(x, params, by_class=True)
        assert np.isfinite(by_class).all()
        total = logsumexp(by_class, axis=1) - np.log(10)
        np.testing.assert_allclose(log_density(x, params), total, rtol=1e-8, atol=1e-7)
        found = latent_posterior(x, params)
        assert np.isfinite(found.scale_std).all() and np.isfinite(found.slope_std).all()
        assert (np.abs(found.slope_mean) <= params.shear_scale / 2 + 1e-6).all()


small_params = st.fixed_dictionaries(
    {
        "template_len": st.integers(2, 14),
        "padding": st.tuples(st.integers(0, 3), st.integers(3, 6)),
        "max_translation": st.integers(1, 5),
        "final_seq_length": st.integers(1, 24),
        "scale_coeff": st.floats(0, 3),
        "corr_noise_scale": st.floats(0, 2),
        "iid_noise_scale": st.floats(1e-3, 2),
        "shear_scale": st.floats(0, 3),
        "shuffle_seq": st.booleans(),
        "num_samples": st.just(50),
        "stream": st.sampled_from(["frozen", "counter"]),
        "seed": st.integers(0, 5),
    }
)


@settings(max_examples=40, deadline=None)
@given(values=small_params)
def test_every_generators_rows_have_probabilities(values):
    params = SignalParams(**values)
    data = make_mnist1d(params)
    x = np.concatenate([data.x_test, data.x_train[:10]])
    probabilities = class_posterior(x, params)
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    found = latent_posterior(x, params)
    np.testing.assert_allclose(found.place.sum(axis=(1, 2)), 1)
    if params.final_seq_length <= params.padded_length:
        by_class = log_density(x, params, by_class=True)
        assert np.isfinite(by_class).all()
        shares = np.exp(by_class - logsumexp(by_class, axis=1, keepdims=True))
        np.testing.assert_allclose(probabilities, shares, atol=1e-7)


@pytest.mark.parametrize("function", [class_posterior, log_density, latent_posterior])
@pytest.mark.parametrize("params", ["default", None, {"seed": 1}, np.zeros((50, 40))])
def test_parameters_of_another_kind_are_refused(function, params):
    with pytest.raises(ValueError, match="^params=.{,60}: must be a SignalParams"):
        function(np.zeros((2, 40)), params)


@pytest.mark.parametrize("function", [class_posterior, log_density, latent_posterior])
def test_templates_are_more_than_an_array(function):
    with pytest.raises(ValueError, match=r"a ndarray: must be Templates\(x, t, y\)"):
        function(np.zeros((2, 40)), SignalParams(), templates=np.zeros((10, 12)))


def test_half_precision_is_precise_enough():
    x, labels, params = counter_rows(100)
    half = class_posterior(x.astype(np.float16), params)
    np.testing.assert_array_equal(half.argmax(axis=1), class_posterior(x, params).argmax(axis=1))


def test_tensors_of_torch_are_rows():
    torch = pytest.importorskip("torch")
    rows = make_mnist1d().x_test[:5]
    exact = class_posterior(rows, CONFIGS["default"])
    learned = torch.tensor(rows, requires_grad=True)
    np.testing.assert_array_equal(class_posterior(learned, CONFIGS["default"]), exact)
    halved = torch.tensor(rows).bfloat16()
    wanted = class_posterior(halved.float().numpy(), CONFIGS["default"])
    np.testing.assert_array_equal(class_posterior(halved, CONFIGS["default"]), wanted)
