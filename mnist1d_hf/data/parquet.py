"""Parquet files that are small and that the Hub can deduplicate."""

from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mnist1d_hf.files import replacing


def write_parquet(tables: pa.Table | Iterable[pa.Table], path: str | Path) -> Path:
    """Write one table, or several of one schema as row groups, to the file `path`; returns `path`.

    The file is written under a temporary name and renamed, so that a file that exists is complete.
    Floats are stored as byte streams (BYTE_STREAM_SPLIT) before compression: 5000 signals take
    0.69 MB, compared with 1.2 MB by the defaults of `datasets` and 0.84 MB in memory. The same
    table and version of PyArrow give the same bytes.
    """
    with replacing(path) as temporary:
        write_row_groups([tables] if isinstance(tables, pa.Table) else tables, temporary)
    return Path(path)


def write_row_groups(tables: Iterable[pa.Table], path: Path) -> None:
    """`write_parquet` without a temporary name, for callers whose `path` is temporary already."""
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
