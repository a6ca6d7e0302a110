"""Formatting of numbers and nested results for pages: rounded text and Markdown tables.

tabulate writes Markdown tables too, but those are the smallest part; rounding by the standard
deviation and the layout of nested results are not in any library.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

LONGEST = 12  # longer lists of numbers are truncated


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def decimals(std: float) -> int:
    """How many decimals show two significant digits of a spread; 2 where there is none."""
    return max(0, 1 - math.floor(math.log10(std))) if std > 0 else 2


def spread(mean: float, std: float | None) -> str:
    """Mean and standard deviation, rounded to two significant digits of the latter.

    >>> [spread(65.143, 1.47), spread(0.62249, 0.0312), spread(68, 2), spread(94.2, None)]
    ['65.1 ± 1.5', '0.622 ± 0.031', '68 ± 2', '94.2']
    """
    if std is None:
        return number(mean)
    if float(mean).is_integer() and float(std).is_integer():
        return f"{mean:.0f} ± {std:.0f}"
    digits = decimals(std)
    return f"{mean:.{digits}f} ± {std:.{digits}f}"


def number(value: float) -> str:
    """A number rounded to three or four significant digits.

    >>> [number(v) for v in (4000, 65.14000001, 0.000312905, 27602.4, 98.0)]
    ['4,000', '65.14', '0.000313', '27,602', '98']
    """
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}" if abs(value) >= 1 else f"{value:.3g}"


def text(value: Any) -> str:
    """A value of a result as one line of text.

    >>> text({"gain": {"mean": 6.1133, "std": 4.36, "n": 3}, "peaks": [18, 20], "all": True})
    'gain: 6.1 ± 4.4 (n = 3); peaks: 18, 20; all: yes'
    """
    if value is None or value in ({}, [], ()):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, str):
        return value
    if is_summary(value):
        count = f" (n = {value['n']})" if "n" in value else ""
        return spread(value["mean"], value["std"]) + count
    if isinstance(value, Mapping):
        parts = [
            f"{key} ({text(v)})" if is_nested(v) else f"{key}: {text(v)}"
            for key, v in value.items()
        ]
        return ("; " if any(", " in part for part in parts) else ", ").join(parts)
    shown = [f"({text(v)})" if isinstance(v, list | tuple | Mapping) else text(v) for v in value]
    if len(shown) > LONGEST:
        shown = [*shown[: LONGEST - 1], f"… ({len(shown)} values)"]
    return ", ".join(shown)


def is_summary(value: Any) -> bool:
    """Whether `value` has mean and std, as from `results.summarise`, with or without n."""
    return isinstance(value, Mapping) and value.keys() - {"n"} == {"mean", "std"}


def is_nested(value: Any) -> bool:
    """Whether `value` is a mapping of results, not a summary."""
    return isinstance(value, Mapping) and not is_summary(value)


def side_by_side(columns: Mapping[str, Any]) -> str:
    """Named values, such as published numbers and ours, as tables or lines of text.

    Mappings with common keys share a table with a row per key. Other long mappings, and mappings of
    mappings with the same keys, get a table each. All other values are lines of text.
    """
    given = {name: value for name, value in columns.items() if value not in (None, {})}
    maps = [value for value in given.values() if is_nested(value)]
    if len(maps) == len(columns) > 1 and len(set.intersection(*(set(m) for m in maps))) > 1:
        keys = list(dict.fromkeys(key for m in maps for key in m))
        rows = [[key, *(text(m[key]) if key in m else "–" for m in maps)] for key in keys]
        return markdown(["", *given], rows)
    return "\n\n".join(alone(name, value) for name, value in given.items())


def alone(name: str, value: Any) -> str:
    """One named value as a table or as a line."""
    if is_grid(value):
        return grid(value, name)
    if is_nested(value) and len(value) > 2:
        return markdown(["", name], [[key, text(v)] for key, v in value.items()])
    return f"{name}: {text(value)}"


def is_grid(value: Any) -> bool:
    """Whether `value` has several values, which are mappings with the same keys."""
    if not isinstance(value, Mapping) or len(value) < 2:
        return False
    rows = list(value.values())
    return all(is_nested(row) and row.keys() == rows[0].keys() for row in rows)


def grid(value: Mapping[str, Mapping[str, Any]], name: str = "") -> str:
    """A mapping of mappings with the same keys, as a table."""
    header = [name, *next(iter(value.values()))]
    return markdown(header, [[key, *map(text, row.values())] for key, row in value.items()])
