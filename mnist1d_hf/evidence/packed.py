"""The cells of a study in one file of JSON lines, which git shows cell by cell.

First come the records of provenance that cells share, by an id that is a digest of the record, then
the cells, sorted by function and parameters:

    {"provenance": "5a71...", "git_revision": ..., "machine": {...}, "versions": {...}}
    {"function": "train", "cell": {...}, "result": ..., "date": ..., "provenance": "5a71..."}
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mnist1d_hf.files import replacing

LONGEST = 200  # letters of JSON; a longer parameter is data
OWN = ("date", "seconds", "process_time")  # what differs from cell to cell of one run
Record = Mapping[str, Any]  # function, cell, result and provenance


def identity(value: Any) -> Any:
    """Parameters with data among them, as weights or a mask, replaced by its SHA-256.

    >>> identity({"seed": 3, "mask": "01" * 500})
    {'seed': 3, 'mask': {'sha256': '0561a5d28600'}}
    """
    if isinstance(value, Mapping):
        return {key: identity(inner) for key, inner in value.items()}
    text = json.dumps(value)
    return {"sha256": _digest(text)} if len(text) > LONGEST else value


def name_of(function: str, cell: Mapping[str, Any]) -> str:
    """A name for a cell: its function and a digest of its parameters, in any order."""
    return f"{function}-{_digest(_sorted(identity(cell)))}"


def read_packed(path: str | Path) -> dict[str, Record]:
    """The cells of a file by name; none when there is no such file.

    Raises ValueError, with the number of the line, for a file that is damaged.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    shared, found = {}, {}
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            record = json.loads(line)
            if "function" not in record:
                shared[record.pop("provenance")] = record
                continue
            own = {key: record.pop(key) for key in OWN if key in record}
            record["provenance"] = {**own, **shared[record["provenance"]]}
            found[name_of(record["function"], record["cell"])] = record
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"line {number} of {path} is damaged, restore the file or delete the line: "
                f"{error!r}"
            ) from error
    return found


def write_packed(path: str | Path, records: Iterable[Record]) -> None:
    """Write cells to a file, which is replaced whole. The order of `records` does not matter."""
    shared, cells = {}, []
    for record in sorted(records, key=lambda r: (r["function"], _sorted(r["cell"]))):
        own = {key: value for key, value in record["provenance"].items() if key in OWN}
        rest = {key: value for key, value in record["provenance"].items() if key not in OWN}
        id = _digest(_sorted(rest))
        shared[id] = {"provenance": id, **rest}
        cells.append({**record, **own, "provenance": id})
    lines = [*(shared[id] for id in sorted(shared)), *cells]
    with replacing(path) as temporary:
        temporary.write_text("".join(_line(line) + "\n" for line in lines), encoding="utf-8")


def _line(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _sorted(content: Any) -> str:
    return json.dumps(content, sort_keys=True)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
