"""`pipeline("time-series-classification")`, which gives signals labels with scores."""

# the annotations of transformers' Pipeline are correct for its own tasks only
# mypy: disable-error-code="assignment, override, operator, misc, index"

from collections.abc import Iterator

from torch.utils.data import Dataset
from transformers import Pipeline

from .configuration_mnist1d import check_size
from .feature_extraction_mnist1d import as_array


class TimeSeriesClassificationPipeline(Pipeline):
    """Classify one signal or many; labels are the class names of the model's configuration.

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
            inputs: one signal or many, in any container of numbers: lists, arrays, tensors, data
                frames, columns. Iterators and datasets are consumed lazily; the column `x` of a
                dataset is classified.
            top_k: number of labels to return per signal, best first (default 5; None for all).

        Returns:
            For one signal a list of {"label": name, "score": probability}, and for many signals a
            list of such lists; for an iterator or a dataset an iterator over them.

        Raises:
            ValueError: the inputs are not signals of the model's length.
        """
        # whether `inputs` is a split, without importing `datasets`
        is_split = hasattr(inputs, "column_names") and hasattr(inputs, "features")
        if is_split or isinstance(inputs, Iterator | Dataset):
            return super().__call__((signal for signal in inputs), **kwargs)
        if isinstance(inputs, list) and inputs and all(isinstance(row, dict) for row in inputs):
            inputs = {"x": [row.get("x") for row in inputs]}  # rows of a split
        names = inputs if isinstance(inputs, dict) else getattr(inputs, "columns", ())  # of a frame
        has_x = any(isinstance(name, str) and name == "x" for name in names)
        array = as_array(inputs["x"] if has_x else inputs)
        if len(array) == 0:
            return []
        # Pipeline takes a list as a batch
        return super().__call__(array if array.ndim == 1 else list(array), **kwargs)

    def _sanitize_parameters(self, **kwargs):
        top_k = {"top_k": kwargs.pop("top_k")} if "top_k" in kwargs else {}
        if top_k.get("top_k") is not None:
            check_size("top_k", top_k["top_k"])
        if kwargs:
            raise ValueError(f"{', '.join(kwargs)}: this pipeline takes top_k alone")
        return {}, {}, top_k

    def preprocess(self, signal):
        if isinstance(signal, dict) and "x" in signal:  # a row of a dataset
            signal = signal["x"]
        signal = as_array(signal)
        if signal.ndim != 1 and len(signal) != 1:
            raise ValueError(f"an item has shape {signal.shape}: must be one signal")
        return self.feature_extractor(signal, return_tensors="pt")

    def _forward(self, model_inputs):
        return self.model(**model_inputs)

    def postprocess(self, outputs, top_k: int | None = 5):
        scores = outputs.logits[0].float().softmax(-1)
        best = scores.topk(len(scores) if top_k is None else min(top_k, len(scores)))
        return [
            {"label": self.model.config.id2label[index], "score": score}
            for score, index in zip(best.values.tolist(), best.indices.tolist(), strict=True)
        ]
