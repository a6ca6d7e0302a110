"""The dataset builder: its module name is the dataset's name and its cache folder's.

Kept thin: `datasets` replaces names in this module (`open`, `os.path`, ...) when it streams.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
from datasets.builder import Key
from datasets.table import table_cast

from mnist1d_hf.data.columns import check_columns, chosen_columns, column_features, make_columns
from mnist1d_hf.data.epochs import EpochShards, permutation
from mnist1d_hf.data.keywords import check_features, check_keywords, check_rows
from mnist1d_hf.data.rows import resharded, rows_of, shard_ranges
from mnist1d_hf.signals.generate import Mnist1DArrays
from mnist1d_hf.signals.params import CONFIGS, SignalParams, changes, check_choice
from mnist1d_hf.signals.templates import templates

TEMPLATES = "templates"
# Rows in one Arrow table: large enough that the cost per table vanishes.
TABLE_ROWS = 10_000
# ... but as posteriors take 0.2 to 2 ms a row, so many that the first ones come soon.
POSTERIOR_ROWS = 1000
PARAMETERS = tuple(field.name for field in fields(SignalParams))


@dataclass(eq=False)  # BuilderConfig's own comparison is the one `datasets` relies on
class Mnist1DConfig(datasets.BuilderConfig):
    """Every parameter of `SignalParams` as a keyword of `load_dataset`, and which columns to add.

    `latents=True` adds what the generator drew for each row: `padding`, the zeros appended to the
    template before it is dilated (int32); `shift`, the positions by which the digit is rotated to
    the right (int32); `scale`, the factor on its amplitude (float32); `slope`, the fall of the line
    that is added (float32). `posterior=True` adds `posterior`, the exact probabilities of the ten
    classes given x (float32), as `class_posterior` computes them: of the digit, whatever label
    `label_noise` gave the row.

    >>> import datasets, mnist1d_hf
    >>> data = datasets.load_dataset("mnist1d", "shuffled", num_samples=1000, seed=7)
    >>> data["train"].num_rows
    800
    >>> datasets.load_dataset("mnist1d", latents=True, num_samples=100)["test"].column_names
    ['x', 'label', 'padding', 'shift', 'scale', 'slope']
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
    latents: bool = False
    posterior: bool = False

    def __setattr__(self, name: str, value: Any) -> None:
        # load_dataset sets its keywords one by one, after __post_init__
        if name == "padding" and isinstance(value, list | np.ndarray) and np.ndim(value) == 1:
            value = tuple(value)
        object.__setattr__(self, name, value)

    @property
    def params(self) -> SignalParams:
        """The checked parameters; ValueError when one of them breaks its rule."""
        return SignalParams(**{name: getattr(self, name) for name in PARAMETERS})

    @property
    def columns(self) -> tuple[str, ...]:
        """Which columns are added: latents, posterior; ValueError where one is no bool."""
        return chosen_columns(self)

    @property
    def signal_features(self) -> datasets.Features:
        """The columns as they are made, whatever features they are then cast to."""
        number = datasets.Value("float32")
        digits = datasets.ClassLabel(names=[str(digit) for digit in range(10)])
        if self.name == TEMPLATES:
            points = datasets.List(number, length=len(templates().t))
            return datasets.Features({"x": points, "t": points, "label": digits})
        length = self.params.final_seq_length
        signals = {"x": datasets.List(number, length=length), "label": digits}
        return datasets.Features(signals | column_features(self.columns))

    @property
    def changed(self) -> dict[str, Any]:
        """The parameters whose values differ from those of the preset of this name."""
        return changes(self.params, CONFIGS.get(self.name))

    def create_config_id(
        self, config_kwargs: dict, custom_features: datasets.Features | None = None
    ) -> str:
        """Name of the cache folder: the preset and what differs from it, however it was spelt."""
        changed = {
            name: value
            if isinstance(value, bool | int | float | str)
            else "x".join(map(str, value))
            for name, value in self.changed.items()
        } | dict.fromkeys(self.columns, True)
        if changed and self.name == TEMPLATES:
            raise ValueError(
                f"config 'templates' holds the ten digit templates and takes no parameters, but "
                f"got {', '.join(changed)}"
            )
        check_rows(self.params)
        check_columns(self.columns, self.params)
        if custom_features is not None:
            check_features(custom_features, self.signal_features)
        return super().create_config_id(changed, custom_features)


PARAMETERS_MARK = " Parameters that differ from those of the config: "


class Mnist1D(datasets.ArrowBasedBuilder, datasets.GeneratorBasedBuilder):
    """MNIST-1D, generated on the spot: nothing is downloaded and no network is used.

    A `GeneratorBasedBuilder` that also yields Arrow tables, which `datasets` prefers and writes a
    hundred times faster than Python rows.

    Its streams need no shuffle buffer, which is slow and loses rows on resuming: the counter stream
    is permuted within blocks of 1000 rows, and every `stream.set_epoch(epoch)` permutes the shards,
    or, after `stream = stream.reshard()`, these blocks, and the rows within them (within 10,000 at
    most). Epoch 0 has the order of the rows' numbers.
    """

    VERSION = datasets.Version("1.0.0")
    BUILDER_CONFIG_CLASS = Mnist1DConfig
    BUILDER_CONFIGS = [
        *(Mnist1DConfig(name=name, **vars(params)) for name, params in CONFIGS.items()),
        Mnist1DConfig(name=TEMPLATES),
    ]
    DEFAULT_CONFIG_NAME = "default"
    DEFAULT_WRITER_BATCH_SIZE = TABLE_ROWS

    def __init__(
        self, cache_dir: str | None = None, *, data_files: Any = None, **kwargs: Any
    ) -> None:
        # the registration passes an empty file list; None keeps it out of the cache folder's name
        data_files = data_files or None
        if kwargs.get("config_name") is not None:
            check_choice("config", kwargs["config_name"], self.builder_configs)
        check_keywords({"data_files": data_files, **kwargs})
        super().__init__(cache_dir, **kwargs)

    def _info(self) -> datasets.DatasetInfo:
        return datasets.DatasetInfo(
            # DatasetInfo has no field for parameters; its description is kept through maps,
            # selections and saving to disk, so `changed_parameters` can read them from a split
            description="A procedurally generated one-dimensional analogue of MNIST with ten "
            f"classes.{PARAMETERS_MARK}{json.dumps(self.config.changed)}",
            features=self.config.signal_features,
            homepage="https://github.com/greydanus/mnist1d",
            license="apache-2.0",
            citation=CITATION,
        )

    def split_rows(self) -> dict[str, tuple[int, int]]:
        """First and last row plus one of each split that has rows.

        Train and validation count together from 0, and so does test.
        """
        if self.config.name == TEMPLATES:
            return {"train": (0, len(templates().y))}
        sizes = self.config.params.split_sizes()
        num_train = sizes["train"] + sizes["validation"]
        rows = {
            "train": (0, sizes["train"]),
            "validation": (sizes["train"], num_train),
            "test": (0, sizes["test"]),
        }
        return {name: (start, stop) for name, (start, stop) in rows.items() if stop > start}

    def _split_generators(self, dl_manager: Any) -> list[datasets.SplitGenerator]:
        return [
            datasets.SplitGenerator(
                name=name,
                gen_kwargs={"split": name, "ranges": shard_ranges(start, stop), "order": ()},
            )
            for name, (start, stop) in self.split_rows().items()
        ]

    def _get_examples_iterable_for_split(self, split_generator: Any) -> EpochShards:
        shards = super()._get_examples_iterable_for_split(split_generator)
        shards.__class__ = EpochShards
        return shards

    def _generate_tables(
        self, split: str, ranges: list[tuple[int, int]], order: tuple[int, ...] = ()
    ) -> Iterator[tuple[Key, pa.Table]]:
        schema = self.info.features.arrow_schema
        rows = POSTERIOR_ROWS if "posterior" in self.config.columns else TABLE_ROWS
        for shard, (start, stop) in enumerate(ranges):
            for first in range(start, stop, rows):
                table = self.table(split, first, min(first + rows, stop))
                if order:
                    table = table.take(permutation(order, first, len(table)))
                if schema != table.schema:  # the caller's own features
                    table = table_cast(table, schema)
                yield Key(shard, first), table

    def _generate_more_gen_kwargs(
        self, split: str, ranges: list[tuple[int, int]], order: tuple[int, ...] = ()
    ) -> Iterator[dict[str, Any]]:
        """What `IterableDataset.reshard` makes of shards: blocks, at most fifty of a shard."""
        yield {"split": split, "ranges": resharded(ranges), "order": order}

    def _generate_examples(
        self, split: str, ranges: list[tuple[int, int]], order: tuple[int, ...] = ()
    ) -> Iterator[tuple[Key, dict[str, Any]]]:
        for key, table in self._generate_tables(split, ranges, order):
            for row, example in enumerate(table.to_pylist()):
                yield Key(key.original_shard_id, key.item_or_batch_id + row), example

    def _generate_num_examples(
        self, split: str, ranges: list[tuple[int, int]], order: tuple[int, ...] = ()
    ) -> Iterator[int]:
        yield from (stop - start for start, stop in ranges)

    def table(
        self,
        split: str,
        start: int,
        stop: int,
        made: Mnist1DArrays | None = None,
        advance: Callable[[int], object] = lambda rows: None,
    ) -> pa.Table:
        """Rows [start, stop), counted as `split_rows` does, with the schema of the dataset.

        `made` are the arrays of a frozen stream, where the caller has them already. `advance(n)` is
        called whenever n more rows are done, in sum once per row: for a progress bar.
        """
        if self.config.name == TEMPLATES:
            digits = templates()
            t = np.tile(digits.t, (len(digits.x), 1))
            x, t, y = (values[start:stop] for values in (digits.x, t, digits.y))
            columns = {"x": x, "t": t, "label": y}
        else:
            x, y = rows_of(self.config.params, split, start, stop, made)
            chosen = self.config.columns
            columns = {"x": x, "label": y}
            columns |= make_columns(chosen, self.config.params, split, start, x, advance)
        if "posterior" not in columns:
            advance(stop - start)
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
        return self.config.signal_features.arrow_schema  # takes as long as a hundred rows


def changed_parameters(info: datasets.DatasetInfo) -> dict[str, Any] | None:
    """The parameters in which a split of this builder differs from its config, by its `info`.

    None for a split that another builder made or that was joined from several.

    >>> import mnist1d_hf
    >>> changed_parameters(mnist1d_hf.load_dataset("shuffled", split="test", seed=7).info)
    {'seed': 7}
    """
    texts = (info.description or "").split(PARAMETERS_MARK)
    if info.builder_name != "mnist1d" or info.config_name is None or len(texts) != 2:
        return None
    return json.loads(texts[1])


CITATION = """\
@inproceedings{greydanus2024scaling,
  title={Scaling Down Deep Learning with {MNIST}-{1D}},
  author={Greydanus, Sam and Kobak, Dmitry},
  booktitle={International Conference on Machine Learning},
  year={2024}
}"""
