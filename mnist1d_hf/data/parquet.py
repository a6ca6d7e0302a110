"""Parquet as the Hub likes it: small, and stable chunks for its deduplication."""

from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mnist1d_hf.files import replacing


def write_parquet(tables: pa.Table | Iterable[pa.Table], path: str | Path) -> Path:
    """Write a table under a temporary name and rename it, so that a file that exists is whole.

    Several tables of one schema become row groups of one file, written as they come.

    Floats are split into their bytes before compression: 5000 signals take 0.69 MB, against 1.2 MB
    with the defaults of `datasets` and 0.84 MB in memory. The same table and PyArrow give the same
    bytes.
    """
    with replacing(path) as temporary:
        write_row_groups([tables] if isinstance(tables, pa.Table) else tables, temporary)
    return Path(path)


def write_row_groups(tables: Iterable[pa.Table], path: Path) -> None:
    """`write_parquet` without the temporary name, for a path that is one already."""
    tables = iter(tables)
    first = next(tables)
    schema = first.schema
    floats = [
        f"{field.name}.list.element" if pa.types.is_nested(field.type) else field.name
        for field in schema
        if pa.types.is_floating(getattr(field.type, "value_type", field.type))
    ]
    integers = [field.name for field in schema if pa.types.is_integer(field.type)]
    with pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        use_dictionary=integers,
        column_encoding=dict.fromkeys(floats, "BYTE_STREAM_SPLIT"),
        use_content_defined_chunking=True,
        write_page_index=True,
    ) as writer:
        for table in chain([first], tables):
            writer.write_table(table)
