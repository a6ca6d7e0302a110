"""The dataset builder: its module name is the dataset's name and its cache folder's.

Kept thin: `datasets` replaces names in this module (`open`, `os.path`, ...) when it streams.
"""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
from datasets.builder import Key

from mnist1d_hf.signals.counter import BLOCK, TEST_START
from mnist1d_hf.signals.generate import Mnist1DArrays, make_mnist1d, make_range
from mnist1d_hf.signals.params import CONFIGS, SignalParams, check_choice
from mnist1d_hf.signals.templates import templates

TEMPLATES = "templates"
# Rows in one Arrow table: large enough that the cost per table vanishes.
TABLE_ROWS = 10_000
# A stream resumes by making its present shard again, so shards stay small ...
SHARD_ROWS = 50_000
# ... unless their list would take longer to make than a look at the first rows.
MOST_SHARDS = 100_000
NUM_SHARDS = 4  # of a small split: what `num_proc` and DataLoader workers can share
PARAMETERS = tuple(field.name for field in fields(SignalParams))
# what `datasets` itself passes to a builder or a config
LIBRARY_KEYWORDS = {
    *inspect.signature(datasets.DatasetBuilder.__init__).parameters,
    *(field.name for field in fields(datasets.BuilderConfig)),
}


@dataclass(eq=False)  # BuilderConfig's own comparison is the one `datasets` relies on
class Mnist1DConfig(datasets.BuilderConfig):
    """Every parameter of `SignalParams` as a keyword of `load_dataset`.

    >>> import datasets, mnist1d_hf
    >>> data = datasets.load_dataset("mnist1d", "shuffled", num_samples=1000, seed=7)
    >>> data["train"].num_rows
    800
    """

    version: datasets.Version = datasets.Version("1.0.0")
    num_samples: int = SignalParams.num_samples
    train_split: float = SignalParams.train_split
    template_len: int = SignalParams.template_len
    padding: tuple[int, int] = SignalParams.padding
    scale_coeff: float = SignalParams.scale_coeff
    max_translation: int = SignalParams.max_translation
    corr_noise_scale: float = SignalParams.corr_noise_scale
    iid_noise_scale: float = SignalParams.iid_noise_scale
    shear_scale: float = SignalParams.shear_scale
    shuffle_seq: bool = SignalParams.shuffle_seq
    final_seq_length: int = SignalParams.final_seq_length
    seed: int = SignalParams.seed
    label_noise: float = SignalParams.label_noise
    validation_size: int = SignalParams.validation_size
    stream: str = SignalParams.stream

    def __setattr__(self, name: str, value: Any) -> None:
        # load_dataset sets its keywords one by one, after __post_init__
        if name == "padding" and isinstance(value, list):
            value = tuple(value)
        object.__setattr__(self, name, value)

    @property
    def params(self) -> SignalParams:
        """The checked parameters; ValueError when one of them breaks its rule."""
        return SignalParams(**{name: getattr(self, name) for name in PARAMETERS})

    def create_config_id(
        self, config_kwargs: dict, custom_features: datasets.Features | None = None
    ) -> str:
        """Name of the cache folder: the preset and what differs from it, however it was spelt."""
        preset = CONFIGS.get(self.name, SignalParams())
        changed = {
            name: value
            if isinstance(value, bool | int | float | str)
            else "x".join(map(str, value))
            for name, value in vars(self.params).items()
            if value != getattr(preset, name)
        }
        if changed and self.name == TEMPLATES:
            raise ValueError(
                f"config 'templates' holds the ten digit templates and takes no parameters, but "
                f"got {', '.join(changed)}"
            )
        return super().create_config_id(changed, custom_features)


class Mnist1D(datasets.ArrowBasedBuilder, datasets.GeneratorBasedBuilder):
    """MNIST-1D, generated on the spot: nothing is downloaded and no network is used.

    A `GeneratorBasedBuilder` that also yields Arrow tables, which `datasets` prefers and writes a
    hundred times faster than Python rows.

    Its streams need no shuffle buffer, which is slow and loses rows on resuming: the counter stream
    is permuted within blocks of 1000 rows, and `stream.set_epoch(epoch)` permutes the shards, or,
    after `stream = stream.reshard()`, these blocks. Epoch 0 has the order of the rows' numbers.
    """

    VERSION = datasets.Version("1.0.0")
    BUILDER_CONFIG_CLASS = Mnist1DConfig
    BUILDER_CONFIGS = [
        *(Mnist1DConfig(name=name, **vars(params)) for name, params in CONFIGS.items()),
        Mnist1DConfig(name=TEMPLATES),
    ]
    DEFAULT_CONFIG_NAME = "default"
    DEFAULT_WRITER_BATCH_SIZE = TABLE_ROWS

    def __init__(self, *args: Any, data_files: Any = None, **kwargs: Any) -> None:
        if kwargs.get("config_name") is not None:
            check_choice("config", kwargs["config_name"], self.builder_configs)
        unknown = sorted(set(kwargs) - set(PARAMETERS) - LIBRARY_KEYWORDS)
        if unknown:
            raise ValueError(
                f"unknown parameters {', '.join(unknown)} of mnist1d: the valid ones are "
                f"{', '.join(PARAMETERS)}"
            )
        missing: dict[str, Any] = {n: None for n in PARAMETERS if kwargs.get(n, 0) is None}
        SignalParams(**missing)  # refuses None, for which `datasets` would take the default
        # the registration passes an empty file list; None keeps it out of the cache folder's name
        super().__init__(*args, data_files=data_files or None, **kwargs)

    def _info(self) -> datasets.DatasetInfo:
        return datasets.DatasetInfo(
            description="A procedurally generated one-dimensional analogue of MNIST: ten classes, "
            "4000 training and 1000 test examples of 40 values.",
            features=self._signal_features(),
            homepage="https://github.com/greydanus/mnist1d",
            license="apache-2.0",
            citation=CITATION,
        )

    def _signal_features(self) -> datasets.Features:
        number = datasets.Value("float32")
        digits = datasets.ClassLabel(names=[str(digit) for digit in range(10)])
        if self.config.name == TEMPLATES:
            points = datasets.List(number, length=len(templates().t))
            return datasets.Features({"x": points, "t": points, "label": digits})
        length = self.config.params.final_seq_length
        return datasets.Features({"x": datasets.List(number, length=length), "label": digits})

    def split_rows(self) -> dict[str, tuple[int, int]]:
        """First and last row plus one of each split that has rows.

        Train and validation count together from 0, and so does test.
        """
        if self.config.name == TEMPLATES:
            return {"train": (0, len(templates().y))}
        params = self.config.params
        rest = params.num_train - params.validation_size
        rows = {
            "train": (0, rest),
            "validation": (rest, params.num_train),
            "test": (0, params.num_rows() - params.num_train),
        }
        return {name: (start, stop) for name, (start, stop) in rows.items() if stop > start}

    def _split_generators(self, dl_manager: Any) -> list[datasets.SplitGenerator]:
        return [
            datasets.SplitGenerator(
                name=name, gen_kwargs={"split": name, "ranges": shard_ranges(start, stop)}
            )
            for name, (start, stop) in self.split_rows().items()
        ]

    def _generate_tables(
        self, split: str, ranges: list[tuple[int, int]]
    ) -> Iterator[tuple[Key, pa.Table]]:
        for shard, (start, stop) in enumerate(ranges):
            for first in range(start, stop, TABLE_ROWS):
                yield Key(shard, first), self.table(split, first, min(first + TABLE_ROWS, stop))

    def _generate_more_gen_kwargs(
        self, split: str, ranges: list[tuple[int, int]]
    ) -> Iterator[dict[str, Any]]:
        """What `IterableDataset.reshard` makes of shards: blocks, at most fifty of a shard."""
        parts = []
        for start, stop in ranges:
            size = max(1, (stop - start) // SHARD_ROWS) * BLOCK
            for first in range(start // BLOCK * BLOCK, stop, size):
                parts.append((max(start, first), min(first + size, stop)))
        yield {"split": split, "ranges": parts}

    def _generate_examples(
        self, split: str, ranges: list[tuple[int, int]]
    ) -> Iterator[tuple[Key, dict[str, Any]]]:
        for key, table in self._generate_tables(split, ranges):
            for row, example in enumerate(table.to_pylist()):
                yield Key(key.original_shard_id, key.item_or_batch_id + row), example

    def _generate_num_examples(self, split: str, ranges: list[tuple[int, int]]) -> Iterator[int]:
        yield from (stop - start for start, stop in ranges)

    def table(self, split: str, start: int, stop: int) -> pa.Table:
        """Rows [start, stop), counted as `split_rows` does, with the schema of the features."""
        if self.config.name == TEMPLATES:
            digits = templates()
            t = np.tile(digits.t, (len(digits.x), 1))
            x, t, y = (values[start:stop] for values in (digits.x, t, digits.y))
            columns = {"x": x, "t": t, "label": y}
        else:
            x, y = rows_of(self.config.params, split, start, stop)
            columns = {"x": x, "label": y}
        arrays = [
            pa.array(values)
            if values.ndim == 1
            else pa.FixedSizeListArray.from_arrays(
                np.ascontiguousarray(values, dtype=np.float32).ravel(), values.shape[1]
            )
            for values in columns.values()
        ]
        return pa.table(arrays, schema=self._schema)

    @cached_property
    def _schema(self) -> pa.Schema:
        return self._signal_features().arrow_schema  # takes as long as a hundred rows


def shard_ranges(start: int, stop: int) -> list[tuple[int, int]]:
    """[start, stop) in pieces; large ones are whole blocks of the counter stream."""
    size = min(SHARD_ROWS, -(-(stop - start) // NUM_SHARDS))
    size = max(size, -(-(stop - start) // MOST_SHARDS))
    if size > BLOCK:
        size = -(-size // BLOCK) * BLOCK
    return [(first, min(first + size, stop)) for first in range(start, stop, size)]


def frozen_arrays(
    params: SignalParams, advance: Callable[[int], object] | None = None
) -> Mnist1DArrays:
    """The frozen stream has no parts: each process makes it once, then slices what it has kept."""
    arrays = _kept.get(params)
    if arrays is None:
        arrays = make_mnist1d(params, advance=advance)
        _kept.clear()
        _kept[params] = arrays
    return arrays


_kept: dict[SignalParams, Mnist1DArrays] = {}  # one at most


def rows_of(
    params: SignalParams, split: str, start: int, stop: int
) -> tuple[np.ndarray, np.ndarray]:
    if params.stream == "counter":
        offset = TEST_START if split == "test" else 0
        return make_range(params, offset + start, offset + stop)
    data = frozen_arrays(params)
    if split == "test":
        return data.x_test[start:stop], data.y_test[start:stop]
    if split == "validation":
        rest = len(data.y_train)
        return data.x_validation[start - rest : stop - rest], data.y_validation[
            start - rest : stop - rest
        ]
    return data.x_train[start:stop], data.y_train[start:stop]


CITATION = """\
@inproceedings{greydanus2024scaling,
  title={Scaling Down Deep Learning with {MNIST}-{1D}},
  author={Greydanus, Sam and Kobak, Dmitry},
  booktitle={International Conference on Machine Learning},
  year={2024}
}"""
