"""What `load_dataset` can be asked for here: keywords, numbers of rows and features."""

from dataclasses import fields
from typing import Any

import datasets
import pyarrow as pa
from datasets.table import table_cast

from mnist1d_hf.data.columns import OPTIONS, RULE
from mnist1d_hf.signals.params import NUM_CLASSES, SignalParams, check_choice

RULES = {field.name: field.metadata["rule"] for field in fields(SignalParams)}
RULES |= dict.fromkeys(OPTIONS, RULE)
# of a builder, besides the parameters: where and how the dataset is stored, and, as nothing is
# downloaded, permissions that are never needed
STORAGE = (
    *("cache_dir", "dataset_name", "config_name", "hash", "info", "features"),
    *("token", "storage_options", "writer_batch_size"),
)
NO_FILES = (
    "mnist1d is generated and reads no files; for files, use "
    "load_dataset('parquet', data_files=...)"
)
ONE_VERSION = "the installed package makes one version of the data; install another one for another"
# keywords that other datasets understand, and what to do here instead
REFUSED = {
    "data_dir": NO_FILES,
    "data_files": NO_FILES,
    "base_path": NO_FILES,
    "repo_id": NO_FILES,
    "version": ONE_VERSION,
    "revision": ONE_VERSION,
    "name": "a builder calls it config_name",
    "config_id": "the folder in the cache is named by the parameters",
    "description": "the description is that of the dataset",
    "columns": "all columns are made; choose some with select_columns",
    "split": "a builder makes all splits; give it to load_dataset or as_dataset",
}


def check_keywords(keywords: dict[str, Any]) -> None:
    """ValueError for a keyword that this dataset cannot honour, and for a parameter that is None.

    `datasets` would take the default for None.
    """
    for name, instead in REFUSED.items():
        if keywords.get(name) is not None:
            raise ValueError(f"{name}={keywords[name]!r}: {instead}")
    for name in sorted(keywords.keys() - {*STORAGE, *REFUSED}):
        check_choice("parameter", name, RULES)
    for name in RULES:
        if name in keywords and keywords[name] is None:
            raise ValueError(f"{name}=None: leave it out for the default, or give {RULES[name]}")


def check_rows(params: SignalParams) -> None:
    """ValueError when the frozen stream would have fewer rows than were asked for.

    The original package rounds down without a word, and so do `SignalParams` and `compat`.
    """
    if (rows := params.num_rows()) != params.num_samples:
        raise ValueError(
            f"num_samples={params.num_samples}: the frozen stream has equally many rows of every "
            f"digit; give a multiple of {NUM_CLASSES} such as {rows}, or stream='counter'"
        )


def check_features(wanted: datasets.Features, made: datasets.Features) -> None:
    """ValueError when rows of the dataset cannot be cast to the features that were asked for."""
    if not isinstance(wanted, datasets.Features):
        raise ValueError(f"features={wanted!r}: must be a datasets.Features")
    label = wanted.get("label")
    names = label.names if isinstance(label, datasets.ClassLabel) else None
    digits = made["label"].names
    if names and (len(names) != len(digits) or (names != digits and set(names) == set(digits))):
        raise ValueError(
            f"features: label has the names {names}; there are ten classes, and class i is digit i"
        )
    number = getattr(getattr(wanted.get("x"), "feature", None), "dtype", "float")
    if number.startswith(("int", "uint")):
        raise ValueError(f"features: x has the type {number}; its values are no whole numbers")
    try:
        table_cast(made.arrow_schema.empty_table(), wanted.arrow_schema)
    except (ValueError, TypeError, pa.ArrowException) as error:
        raise ValueError(f"features={wanted}: rows have {made} and cannot be cast") from error
