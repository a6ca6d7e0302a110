"""From signals of any array type to the float32 batch that the models take."""

import numpy as np
from transformers import BatchFeature, FeatureExtractionMixin


class Mnist1DFeatureExtractor(FeatureExtractionMixin):
    """Check signals and, where `mean` and `std` are given, standardise them.

    The dataset is standardised already: the defaults leave it as it is.
    """

    model_input_names = ["x"]

    def __init__(
        self, final_seq_length: int = 40, mean: float = 0.0, std: float = 1.0, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        self.final_seq_length, self.mean, self.std = final_seq_length, mean, std

    def __call__(self, x, return_tensors: str | None = None) -> BatchFeature:
        """One signal (length,) or several (n, length) to `x` (n, length) float32.

        Raises ValueError for another length, or where a signal holds NaN or infinity.

        >>> Mnist1DFeatureExtractor(final_seq_length=3)([1, 2, 3])["x"].shape
        (1, 3)
        """
        signals = np.atleast_2d(np.asarray(x, dtype=np.float32))
        if signals.ndim != 2 or signals.shape[1] != self.final_seq_length:
            raise ValueError(
                f"signals have shape {np.shape(x)}; expected {self.final_seq_length} points each"
            )
        if not np.isfinite(signals).all():
            bad = np.flatnonzero(~np.isfinite(signals).all(axis=1))
            raise ValueError(f"NaN or infinity in signal {bad[0]} ({len(bad)} of {len(signals)})")
        signals = (signals - np.float32(self.mean)) / np.float32(self.std)
        return BatchFeature({"x": signals}, tensor_type=return_tensors)
