"""A dataset as files outside the datasets cache: Parquet, NumPy or CSV."""

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
from tqdm.auto import tqdm

from mnist1d_hf.data.columns import changed_columns, make_columns
from mnist1d_hf.data.mnist1d import TEMPLATES, Mnist1D
from mnist1d_hf.data.parquet import write_parquet
from mnist1d_hf.data.rows import SHARD_ROWS, shard_ranges
from mnist1d_hf.files import check_writable, replacing, sha256
from mnist1d_hf.signals.generate import Mnist1DArrays, make_mnist1d
from mnist1d_hf.signals.params import check_choice
from mnist1d_hf.signals.templates import templates

FORMATS = ("parquet", "npz", "csv")
MANIFEST = "manifest.json"
UNFINISHED = "unfinished.json"
# nobody waits for the bar of a job that is done in less; seconds
PROGRESS_DELAY = 5


def export_dataset(builder: Mnist1D, directory: str | Path, file_format: str) -> list[Path]:
    """Write every split of `builder`'s dataset into `directory` and return the files.

    `<split>.parquet` (columns x and label), `<split>.csv` (x0, x1, ... and label), or one
    `mnist1d.npz` (the fields of `Mnist1DArrays`). The columns that latents and posterior add come
    after them; in the .npz their names end in the split's, as `shift_train`.

    Files appear whole or not at all, and `manifest.json`, with the parameters and the SHA-256 of
    each file, comes last: a folder with a manifest is complete. A folder that is complete is left
    as it is, an incomplete one, which has `unfinished.json` instead, completed.

    Raises ValueError when `file_format` is unknown, when the folder belongs to other parameters or
    has files of these names that are not of a dataset, or when it cannot be written; nothing is
    generated before that.
    """
    directory = Path(directory).expanduser()
    check_choice("format", file_format, FORMATS)
    job = {"config": builder.config.name, "format": file_format}
    if builder.config.name != TEMPLATES:
        job["params"] = vars(builder.config.params)
    job |= dict.fromkeys(builder.config.columns, True)
    job = json.loads(json.dumps(job))  # as it will be read back: tuples are lists in JSON
    manifest = directory / MANIFEST
    rows = {split: stop - start for split, (start, stop) in builder.split_rows().items()}
    names = ["mnist1d.npz"] if file_format == "npz" else [f"{one}.{file_format}" for one in rows]
    if made_before := claim(directory, job, names):
        files = made_before["files"]
        if all(sha256(directory / name) == expected for name, expected in files.items()):
            return [directory / name for name in files]
    unfinished = directory / UNFINISHED
    with replacing(unfinished) as temporary:
        temporary.write_text(json.dumps(job) + "\n")
    manifest.unlink(missing_ok=True)
    is_frozen = builder.config.name != TEMPLATES and builder.config.params.stream == "frozen"
    if file_format == "npz":
        with progress_bar("generate", rows) as progress:
            files = [write_npz(builder, directory / "mnist1d.npz", progress)]
    else:
        made = None
        if is_frozen:  # made as a whole before its first row is written
            with progress_bar("generate", rows) as progress:
                made = make_mnist1d(builder.config.params, advance=progress.update)
        write = write_parquet if file_format == "parquet" else write_csv
        with progress_bar("write", rows) as progress:
            files = [
                write(
                    split_tables(builder, split, progress, made),
                    directory / f"{split}.{file_format}",
                )
                for split in rows
            ]
    digests = {path.name: sha256(path) for path in files}
    with replacing(manifest) as temporary:
        temporary.write_text(json.dumps({**job, "rows": rows, "files": digests}, indent=1) + "\n")
    unfinished.unlink()
    return files


def claim(directory: Path, job: dict, names: list[str]) -> dict[str, Any] | None:
    """The manifest of `directory`, if it has one.

    Raises ValueError unless the folder can be written and holds nothing made with other parameters,
    and no files of these names that are somebody else's.
    """
    check_writable(directory)
    if not (directory / MANIFEST).exists():
        for name in () if (directory / UNFINISHED).exists() else names:
            if (directory / name).exists():
                raise ValueError(
                    f"{directory / name} exists and is not of a dataset: choose another folder or "
                    "move it away"
                )
        return None
    made = read_manifest(directory / MANIFEST)
    other = [key for key in ("config", "format", "params") if made.get(key) != job.get(key)]
    columns = changed_columns(made, job)
    if other or columns:
        what = f"other columns ({', '.join(columns)})"
        if other:
            key = other[0]
            what = "other parameters" if key == "params" else f"another {key} ({made.get(key)})"
        raise ValueError(
            f"output folder {directory} holds data of {what}, see its {MANIFEST}; "
            "choose another folder or remove this one"
        )
    return made


def read_manifest(path: Path) -> dict[str, Any]:
    """What `export_dataset` wrote; ValueError where the file holds something else."""
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}): remove it and run this again") from error
    if not isinstance(found, dict) or not isinstance(found.get("files"), dict):
        raise ValueError(f"{path} is not of a dataset: choose another folder or remove it")
    return found


def split_tables(
    builder: Mnist1D, split: str, progress: tqdm, made: Mnist1DArrays | None
) -> Iterator[pa.Table]:
    """The rows of a split as tables of at most `SHARD_ROWS` rows."""
    for first, last in shard_ranges(*builder.split_rows()[split]):
        for start in range(first, last, SHARD_ROWS):  # of an endless stream a shard may be huge
            stop = min(start + SHARD_ROWS, last)
            yield builder.table(split, start, stop, made, progress.update)


def write_csv(tables: Iterator[pa.Table], path: Path) -> Path:
    """One column a number; the shortest digits that give back the same float32."""
    flat = map(flatten, tables)
    first = next(flat)
    with replacing(path) as temporary, pa.csv.CSVWriter(temporary, first.schema) as writer:
        for table in chain([first], flat):
            writer.write_table(table)
    return path


def flatten(table: pa.Table) -> pa.Table:
    """A table with the lists of d numbers in column x as columns x0 to x(d-1)."""
    columns: dict[str, Any] = {}
    for name in table.column_names:
        column = table[name].combine_chunks()
        if pa.types.is_fixed_size_list(column.type):
            rows = column.flatten().to_numpy().reshape(table.num_rows, -1)
            columns |= {
                f"{name}{i}": np.ascontiguousarray(rows[:, i]) for i in range(rows.shape[1])
            }
        else:
            columns[name] = column
    return pa.table(columns)


def progress_bar(what: str, rows: dict[str, int]) -> tqdm:
    """A progress bar over the rows of all splits, shown after `PROGRESS_DELAY` seconds."""
    return tqdm(desc=what, total=sum(rows.values()), unit="row", delay=PROGRESS_DELAY)


def columns_of_splits(builder: Mnist1D, data: Any) -> dict[str, np.ndarray]:
    """The columns that are added to each split, by their names in the .npz."""
    config = builder.config
    if not config.columns:
        return {}
    found: dict[str, np.ndarray] = {}
    rows = {split: stop - start for split, (start, stop) in builder.split_rows().items()}
    with progress_bar("columns", rows) as progress:
        for split, (start, _) in builder.split_rows().items():
            x = getattr(data, f"x_{split}")
            made = make_columns(config.columns, config.params, split, start, x, progress.update)
            found |= {f"{name}_{split}": values for name, values in made.items()}
    return found


def write_npz(builder: Mnist1D, path: Path, progress: tqdm) -> Path:
    """All arrays at once, x in the precision of its stream (float64 for the frozen one)."""
    if builder.config.name == TEMPLATES:
        data: Any = templates()
    else:
        data = make_mnist1d(builder.config.params, advance=progress.update)
    arrays = data._asdict() | columns_of_splits(builder, data)
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays)
    return path
