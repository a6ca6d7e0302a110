"""`pipeline("time-series-classification")`: signals in, labels with scores out."""

# transformers types the flags and methods of Pipeline for its own tasks only
# mypy: disable-error-code="assignment, override, operator, misc, index"

import numpy as np
from transformers import Pipeline


class TimeSeriesClassificationPipeline(Pipeline):
    """Classify one signal or many.

    >>> from transformers import pipeline
    >>> classify = pipeline("time-series-classification", model="my-model")  # doctest: +SKIP
    >>> classify(x_test[0], top_k=2)  # doctest: +SKIP
    [{'label': '6', 'score': 0.99}, {'label': '0', 'score': 0.004}]
    """

    _load_processor = False
    _load_image_processor = False
    _load_video_processor = False
    _load_feature_extractor = True
    _load_tokenizer = False

    def __call__(self, inputs, **kwargs):
        """Classify a signal (length,), a batch (n, length), or an iterable of signals.

        Args:
            inputs: lists, arrays or tensors; generators and datasets are consumed lazily.
            top_k: how many labels to return per signal, best first (default 5).
        """
        if isinstance(inputs, list | tuple | np.ndarray) or hasattr(inputs, "numpy"):
            array = np.asarray(inputs, dtype=np.float32)
            inputs = array if array.ndim == 1 else list(array)  # to Pipeline a list is a batch
        return super().__call__(inputs, **kwargs)

    def _sanitize_parameters(self, top_k: int | None = None, **kwargs):
        return {}, {}, {} if top_k is None else {"top_k": top_k}

    def preprocess(self, signal):
        return self.feature_extractor(signal, return_tensors="pt")

    def _forward(self, model_inputs):
        return self.model(**model_inputs)

    def postprocess(self, outputs, top_k: int = 5):
        scores = outputs.logits[0].float().softmax(-1)
        best = scores.topk(min(top_k, len(scores)))
        return [
            {"label": self.model.config.id2label[index], "score": score}
            for score, index in zip(best.values.tolist(), best.indices.tolist(), strict=True)
        ]
