"""Loading through public interfaces of `datasets` alone: the builder, made and read directly."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from mnist1d_hf.data.mnist1d import Mnist1D

# Modules of `signals` that read rows and make none: a change of them leaves cached data valid. A
# module that is not listed counts as part of the generator.
READERS = {"components.py", "frame.py", "integrals.py", "mixture.py", "posterior.py"}


@cache
def content_hash() -> str:
    """Digest of the sources that determine the data; the last part of the cache folder's path.

    A change of the generator therefore never meets data of an older one.
    """
    package = Path(__file__).parents[1]
    generator = {path for path in (package / "signals").glob("*.py") if path.name not in READERS}
    digest = hashlib.sha256()
    for path in [package / "data" / "mnist1d.py", *sorted(generator)]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def load_dataset_builder(
    config_name: str | None = None, *, cache_dir: str | None = None, **params: Any
) -> Mnist1D:
    """The builder of a config, with any of its parameters replaced; nothing is generated yet.

    Raises ValueError for an unknown config or parameter, or a value that breaks its rule.

    >>> load_dataset_builder("shuffled", seed=7).config.shuffle_seq
    True
    """
    return Mnist1D(cache_dir=cache_dir, config_name=config_name, hash=content_hash(), **params)


def load_dataset(
    config_name: str | None = None,
    *,
    split: str | None = None,
    streaming: bool = False,
    num_proc: int | None = None,
    cache_dir: str | None = None,
    keep_in_memory: bool = False,
    download_mode: str | None = None,
    **params: Any,
) -> Any:
    """What `datasets.load_dataset("mnist1d", config_name, ...)` returns.

    A DatasetDict, or a Dataset when `split` is given, or their iterable twins when `streaming`.
    `config_name` is default, shuffled, high-translation, noisy or templates.

    >>> load_dataset("default", split="train[:10%]").num_rows
    400
    """
    builder = load_dataset_builder(config_name, cache_dir=cache_dir, **params)
    if streaming:
        return builder.as_streaming_dataset(split=split)
    builder.download_and_prepare(num_proc=num_proc, download_mode=download_mode)
    return builder.as_dataset(split=split, in_memory=keep_in_memory)
