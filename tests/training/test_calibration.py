"""Temperature scaling and the calibration error."""

import pytest
import torch

from mnist1d_hf.training.calibration import best_temperature, calibration_error


def test_a_temperature_undoes_a_wrong_one():
    logits = torch.randn(5000, 10, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    labels = torch.multinomial(logits.softmax(1), 1, generator=torch.Generator().manual_seed(1))
    assert best_temperature(4 * logits, labels[:, 0]) == pytest.approx(4, rel=0.1)


def test_calibration_error_is_that_of_the_bins():
    """An answer that is always given with probability 0.9 and right in one case of two."""
    p = torch.full((300, 2), 0.1, dtype=torch.double)
    p[:, 0] = 0.9
    labels = torch.arange(300) % 2
    assert calibration_error(p, labels) == pytest.approx(40, abs=1)
