"""The metadata of a card: parsing, and the Hub's validation on every push."""

import functools
import re
from typing import Any

from mnist1d_hf.localhub.plain import plain
from mnist1d_hf.localhub.routes import Routes
from mnist1d_hf.localhub.wire import SMALL_BODY, Answer, Request

routes = Routes()

LICENSES = set(
    """
    apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0
    bigcode-openrail-m afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause
    bsd-3-clause-clear c-uda cc cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0
    cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0
    cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0
    cdla-permissive-1.0 cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1
    eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 isc intel-research lppl-1.3c
    ms-pl apple-ascl apple-amlr mpl-2.0 odc-by odbl openmdw-1.0 openrail++ osl-3.0 postgresql
    ofl-1.1 ncsa unlicense zlib pddl lgpl-lr deepfloyd-if-license
    fair-noncommercial-research-license llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 gemma
    h-research unknown other
    """.split()
)
SIZES = (
    "n<1K 1K<n<10K 10K<n<100K 100K<n<1M 1M<n<10M 10M<n<100M 100M<n<1B 1B<n<10B 10B<n<100B "
    "100B<n<1T n>1T"
).split()
LONGEST = 1 << 20  # characters of metadata
MOST_VALUES = 50_000
TYPES: dict[str, tuple[type, ...]] = {
    "license": (str, list),
    "tags": (list,),
    "language": (str, list),
    "pretty_name": (str,),
    "configs": (list,),
    "datasets": (str, list),
    "metrics": (str, list),
    "pipeline_tag": (str,),
    "model-index": (list,),
    "task_categories": (list,),
    "task_ids": (list,),
    "size_categories": (str, list),
}


def read_metadata(text: str) -> tuple[dict | None, str | None]:
    """The metadata of a card or None, and an error message or None."""
    match = re.match(r"\s*---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|$)", text, re.DOTALL)
    return parse(match.group(1)) if match else (None, None)


@functools.lru_cache(32)
def parse(text: str) -> tuple[dict | None, str | None]:
    """Parse YAML to values that can be sent as JSON."""
    import yaml

    if len(text) > LONGEST:
        return None, f"Invalid YAML: longer than {LONGEST:,} characters"
    try:
        metadata = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        if count(metadata) > MOST_VALUES:
            return None, f"Invalid YAML: more than {MOST_VALUES:,} values"
        metadata = plain(metadata)
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        return None, f"Invalid YAML: {error}"
    except RecursionError:
        return None, "Invalid YAML: nested too deeply"
    if metadata is not None and not isinstance(metadata, dict):
        return None, "YAML metadata must be a mapping"
    return metadata, None


def count(value: Any) -> int:
    """The number of values, with aliases expanded, up to the limit."""
    found, left = 0, [value]
    while left and found <= MOST_VALUES:
        value, found = left.pop(), found + 1
        if isinstance(value, dict):
            left += [*value.keys(), *value.values()]
        elif isinstance(value, list | tuple | set):
            left += value
    return found


def body(text: str) -> str:
    """A card without its metadata."""
    return re.sub(r"^\s*---[ \t]*\r?\n.*?\r?\n---[ \t]*(?:\r?\n|$)", "", text, flags=re.DOTALL)


def as_list(value: Any) -> list:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def problems(metadata: dict) -> list[str]:
    found = []
    for key, expected in TYPES.items():
        if metadata.get(key) is not None and not isinstance(metadata[key], expected):
            kinds = " or ".join(kind.__name__ for kind in expected)
            found.append(f'"{key}" must be a {kinds}')
    for key, valid in (("license", sorted(LICENSES)), ("size_categories", SIZES)):
        if any(str(value) not in valid for value in as_list(metadata.get(key))):
            found.append(f'"{key}" must be one of {valid}')
    return found


@routes.on("POST", r"/api/validate-yaml")
def validate_yaml(hub: Any, request: Request) -> Answer:
    metadata, error = read_metadata(request.json().text("content", limit=SMALL_BODY))
    errors = [error] if error else problems(metadata or {})
    warnings = [] if metadata or error else ["empty or missing yaml metadata in repo card"]
    if errors and request.headers.get("accept") == "text/plain":
        # RepoCard.validate shows this text as it is
        text = "\n".join(f"- Error: {message}" for message in errors)
        return Answer(text.encode(), 400, {"Content-Type": "text/plain; charset=utf-8"})
    answer = {
        "errors": [{"message": message} for message in errors],
        "warnings": [{"message": message} for message in warnings],
    }
    return Answer.of(answer, 400 if errors else 200)
