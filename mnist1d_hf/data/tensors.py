"""Conversion of splits and batches to NumPy arrays and torch tensors.

Each conversion copies memory once instead of making a Python object per row.
"""

from typing import TYPE_CHECKING, Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mnist1d_hf.extras import require

if TYPE_CHECKING:
    import torch


def to_numpy(dataset: datasets.Dataset, column: str = "x") -> np.ndarray:
    """A column of a split as an array, with the dtype in which it is stored.

    The values are those of `dataset.with_format("numpy")[column]`, found far faster. Selections,
    shuffles and slices of the split are respected.

    Args:
        dataset: one split, in memory or on disk.
        column: name of a column of numbers, or of lists of numbers of one length.

    Returns:
        An array (n,) for numbers, (n, d) for lists of d numbers. It may share the dataset's memory
        and then cannot be written to.

    Raises:
        ValueError: `dataset` is a stream, several splits or no dataset; the split has no such
            column; or the column has missing values or rows of different lengths.

    >>> import mnist1d_hf
    >>> x = to_numpy(mnist1d_hf.load_dataset("default", split="test"))
    >>> x.shape, x.dtype
    ((1000, 40), dtype('float32'))
    """
    check_split(dataset)
    if column not in dataset.column_names:
        raise ValueError(f"column {column!r}: must be one of {', '.join(dataset.column_names)}")
    if getattr(dataset, "_indices", "unknown") is None:
        table = dataset.data
    else:  # the Arrow format applies selections and shuffles, which takes about a millisecond
        table = dataset.with_format("arrow", columns=[column])[:]
    return array_values(table.column(column), column)


def array_values(column_data: pa.ChunkedArray, column: str) -> np.ndarray:
    """A column of a table as the array that `to_numpy` returns; `column` is its name in errors."""
    array = column_data.combine_chunks()
    if isinstance(array, pa.ChunkedArray):  # a table without rows, or too large for one chunk
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if array.null_count:
        raise ValueError(f"column {column!r} has missing values in {array.null_count} rows")
    if pa.types.is_fixed_size_list(array.type):
        width = array.type.list_size
    elif pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        lengths = array.value_lengths().unique().to_pylist()
        if len(lengths) > 1:
            raise ValueError(f"column {column!r} has rows of different lengths: {sorted(lengths)}")
        width = lengths[0] if lengths else 0
    else:
        return array.to_numpy(zero_copy_only=False)
    values = array.flatten()
    if values.null_count:
        raise ValueError(f"column {column!r} has {values.null_count} missing values within rows")
    return values.to_numpy(zero_copy_only=False).reshape(len(array), width)


def check_split(dataset: Any) -> None:
    """ValueError, which says what to do, unless `dataset` is one split in memory or on disk."""
    if isinstance(dataset, datasets.Dataset):
        return
    if isinstance(dataset, datasets.DatasetDict | datasets.IterableDatasetDict):
        names = ", ".join(dataset)
        raise ValueError(f"a dataset of several splits: choose one of {names}, as in data['test']")
    if isinstance(dataset, datasets.IterableDataset):
        raise ValueError(
            "a stream has no end in memory: load it without streaming=True, or collect "
            "stream.with_format('numpy').iter(1000) as far as it is needed"
        )
    raise ValueError(f"{type(dataset).__name__}: must be a split, a datasets.Dataset")


def to_torch(
    dataset: datasets.Dataset, device: "torch.device | str | None" = None
) -> tuple["torch.Tensor", "torch.Tensor"]:
    """The columns x and label of a split as tensors: inputs (n, d) float32, labels (n,) int64.

    The tensors are copies: writing to them does not change the dataset. `device` is the CPU if
    None.

    Raises ValueError as `to_numpy` does, and for labels that are not whole numbers.

    >>> import mnist1d_hf
    >>> x, labels = to_torch(mnist1d_hf.load_dataset("default", split="test"))
    >>> x.shape, labels.dtype
    (torch.Size([1000, 40]), torch.int64)
    """
    x, label = to_numpy(dataset, "x"), to_numpy(dataset, "label")
    inputs, labels = as_tensors(x, label)
    return inputs.to(device), labels.to(device)


def collate(batch: Any) -> dict[str, "torch.Tensor"]:
    """Convert a batch of a stream to the tensors `x` (n, d) float32 and `labels` (n,) int64.

    Use it as the `collate_fn` of a DataLoader that receives whole batches, which is far faster than
    single rows in torch's format:

        batches = stream.with_format("arrow").batch(100)
        for batch in DataLoader(batches, batch_size=None, collate_fn=collate, num_workers=2):
            loss = model(**batch).loss

    Batches may have any format (Arrow, NumPy, torch, pandas, polars, lists) and any numeric dtype,
    for example after a `map` or a `cast`. Lists of rows, which a DataLoader with a batch size
    passes, are converted too.

    Raises ValueError for a batch without the columns x and label, for signals of different lengths
    and for labels that are not whole numbers.
    """
    if hasattr(batch, "to_arrow"):  # polars
        batch = batch.to_arrow()
    elif hasattr(batch, "iloc"):  # pandas
        batch = pa.Table.from_pandas(batch, preserve_index=False)
    if isinstance(batch, list):
        shared = [name for name in (batch[0] if batch else {}) if all(name in row for row in batch)]
        batch = {name: [row[name] for row in batch] for name in shared}
    is_table = isinstance(batch, pa.Table)
    found = batch.column_names if is_table else list(batch)
    missing = [name for name in ("x", "label") if name not in found]
    if missing:
        raise ValueError(f"the batch has columns {found} and lacks {', '.join(missing)}")
    x, label = (batch[name] for name in ("x", "label"))
    if not is_table:
        x, labels = as_tensors(np.asarray(x), np.asarray(label))
        return {"x": x, "labels": labels}
    if pa.types.is_nested(label.type):  # `batch` gives one row of lists, `iter` gives many rows
        x, label = pc.list_flatten(x), pc.list_flatten(label)
    x, labels = as_tensors(array_values(x, "x"), array_values(label, "label"))
    return {"x": x, "labels": labels}


def as_tensors(x: np.ndarray, label: np.ndarray) -> tuple["torch.Tensor", "torch.Tensor"]:
    """Copies as float32 and int64; ValueError for values that these dtypes cannot hold."""
    require("train", "torch")
    import torch

    if x.dtype.kind not in "biuf" or x.ndim != 2:
        raise ValueError(
            f"signals have shape {x.shape} and dtype {x.dtype}: must be rows of numbers, all of "
            "one length"
        )
    whole = label.dtype.kind in "biu" or (
        label.dtype.kind == "f" and (np.abs(label) < 2**63).all() and (label % 1 == 0).all()
    )
    if not whole or label.ndim != 1:
        raise ValueError(
            f"labels have shape {label.shape} and dtype {label.dtype}: must be one whole number a "
            "row; numbers for names are made by dataset.class_encode_column('label')"
        )
    return (
        torch.from_numpy(np.array(x, dtype=np.float32)),
        torch.from_numpy(np.array(label, dtype=np.int64)),
    )
