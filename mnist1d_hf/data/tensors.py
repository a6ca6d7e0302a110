"""Splits and batches as arrays, by one copy of memory instead of one Python object per row."""

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    import torch
    from datasets import Dataset


def to_numpy(dataset: "Dataset", column: str = "x") -> np.ndarray:
    """A column of a split: (n, d) for lists of d numbers, (n,) for numbers; dtype as stored.

    Far faster than `dataset.with_format("numpy")[column]`, with the same values. Selections,
    shuffles and slices of the split are respected.

    Raises ValueError when the split has no such column, or it has missing values or rows that
    differ in length.

    >>> import mnist1d_hf
    >>> x = to_numpy(mnist1d_hf.load_dataset("default", split="test"))
    >>> x.shape, x.dtype
    ((1000, 40), dtype('float32'))
    """
    if column not in dataset.column_names:
        raise ValueError(f"column {column!r}: must be one of {', '.join(dataset.column_names)}")
    if getattr(dataset, "_indices", "unknown") is None:
        table = dataset.data
    else:  # the Arrow format applies selections and shuffles, at a millisecond's cost
        table = dataset.with_format("arrow", columns=[column])[:]
    array = table.column(column).combine_chunks()
    if isinstance(array, pa.ChunkedArray):  # a table without rows, or too large for one chunk
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if array.null_count:
        raise ValueError(f"column {column!r} has missing values in {array.null_count} rows")
    if pa.types.is_fixed_size_list(array.type):
        return (
            array.flatten().to_numpy(zero_copy_only=False).reshape(len(array), array.type.list_size)
        )
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        lengths = array.value_lengths().unique().to_pylist()
        if len(lengths) > 1:
            raise ValueError(f"column {column!r} has rows of different lengths: {sorted(lengths)}")
        return array.flatten().to_numpy(zero_copy_only=False).reshape(len(array), -1)
    return array.to_numpy(zero_copy_only=False)


def to_torch(
    dataset: "Dataset", device: "torch.device | str | None" = None
) -> tuple["torch.Tensor", "torch.Tensor"]:
    """Inputs (n, d) float32 and labels (n,) int64 of a split with columns x and label.

    The tensors are copies: writing to them does not reach the dataset's files.
    """
    import torch

    x = torch.from_numpy(np.array(to_numpy(dataset, "x"), dtype=np.float32))
    y = torch.from_numpy(np.array(to_numpy(dataset, "label"), dtype=np.int64))
    return x.to(device), y.to(device)


def collate(table: pa.Table) -> dict[str, "torch.Tensor"]:
    """A batch of a stream as the tensors `x` (n, d) float32 and `labels` (n,) int64.

    The `collate_fn` of a DataLoader whose batches are made before they reach it, which is far
    faster than rows in torch's format:

        batches = stream.with_format("arrow").batch(100)
        for batch in DataLoader(batches, batch_size=None, collate_fn=collate, num_workers=2):
            loss = model(**batch).loss
    """
    import torch

    x, label = (table.column(name).combine_chunks() for name in ("x", "label"))
    if pa.types.is_list(label.type):  # `batch` makes one row of a batch, `iter` makes many
        x, label = x.flatten(), label.flatten()
    values = x.flatten().to_numpy().reshape(-1, x.type.list_size)
    return {"x": torch.tensor(values), "labels": torch.tensor(label.to_numpy())}
