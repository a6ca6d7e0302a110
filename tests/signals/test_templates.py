import numpy as np
import pytest
from mnist1d.data import get_templates

from mnist1d_hf.signals.templates import Templates, check_templates, templates

X, T, Y = templates()

BAD = [
    (Templates(X[0], T, Y), r"templates.x has shape \(12,\); it must be \(num_classes >= 1"),
    (Templates(X[:0], T, Y[:0]), r"templates.x has shape \(0, 12\)"),
    (Templates(X[:, :1], T[:1], Y), r"templates.x has shape \(10, 1\)"),
    (Templates(X * np.nan, T, Y), "with finite values of at most"),
    (Templates(X, T[:11], Y), r"templates.t has shape \(11,\) .* they must be \(12,\)"),
    (Templates(X, T, Y[:9]), r"templates.y \(9,\); .* they must be \(12,\) and \(10,\)"),
    (Templates(X, T * np.inf, Y), "templates.t has values that are not finite"),
    (Templates(X, T, Y / 2), "templates.y has dtype float64; labels must be integers"),
]


def test_templates_have_the_bits_of_the_original():
    original = get_templates()
    for name, ours in templates()._asdict().items():
        assert ours.dtype == original[name].dtype
        np.testing.assert_array_equal(ours, original[name], strict=True)


def test_every_digit_starts_and_ends_at_zero():
    np.testing.assert_allclose(X[:, [0, -1]], 0, atol=1e-15)
    np.testing.assert_allclose((X * 6).std(axis=1), 1)


def test_templates_are_the_callers_own():
    templates().x[:] = 7
    assert templates().x[0, 0] == 0


def test_check_templates_accepts_lists_and_makes_arrays():
    checked = check_templates(Templates(X.tolist(), T.tolist(), Y.astype(np.int8).tolist()))
    assert [a.dtype for a in checked] == [np.float64, np.float64, np.int64]
    np.testing.assert_array_equal(checked.x, X)


@pytest.mark.parametrize(("bad", "message"), BAD, ids=[m for _, m in BAD])
def test_malformed_templates_are_refused(bad, message):
    with pytest.raises(ValueError, match=message):
        check_templates(bad)
