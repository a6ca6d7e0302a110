"""Loading through public interfaces of `datasets` alone: the builder, made and read directly."""

import hashlib
from functools import cache
from os import PathLike
from pathlib import Path
from typing import Any

import datasets

from mnist1d_hf.data.keywords import check_keywords
from mnist1d_hf.data.mnist1d import Mnist1D
from mnist1d_hf.signals.params import check_choice


@cache
def content_hash() -> str:
    """Digest of the sources that determine the data; the last part of the cache folder's path.

    A change of the generator therefore never meets data of an older one.
    """
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    own = [package / "data" / name for name in ("mnist1d.py", "columns.py", "rows.py")]
    for path in [*own, *sorted((package / "signals").glob("*.py"))]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def load_dataset_builder(
    config_name: str | None = None,
    *,
    name: str | None = None,
    cache_dir: str | PathLike[str] | None = None,
    features: datasets.Features | None = None,
    **params: Any,
) -> Mnist1D:
    """The builder of a config, with any of its parameters replaced; nothing is generated yet.

    `name`, as `datasets` calls it, is another word for `config_name`.

    Raises ValueError for an unknown config or parameter, or a value that breaks its rule.

    >>> load_dataset_builder("shuffled", seed=7).config.shuffle_seq
    True
    """
    if None not in (config_name, name) and config_name != name:
        raise ValueError(f"config_name={config_name!r} and name={name!r}: give one of the two")
    check_own_keywords(params)
    return Mnist1D(
        str(cache_dir) if cache_dir else None,
        config_name=name if config_name is None else config_name,
        features=features,
        hash=content_hash(),
        **params,
    )


def check_own_keywords(params: dict[str, Any]) -> None:
    """Take out of `params` what has no effect here, and refuse what only the package may set."""
    for permission in ("download_config", "trust_remote_code"):
        params.pop(permission, None)
    check_revision(params.pop("revision", None))
    for keyword in ("hash", "info", "dataset_name"):
        if keyword in params:
            raise ValueError(f"{keyword}={params[keyword]!r}: is set by the package, leave it out")


def check_revision(revision: Any) -> None:
    """ValueError unless it names the one version of the data that the package makes."""
    version = str(Mnist1D.VERSION)  # of which the Hub has the tag
    if revision is not None and str(revision) not in ("main", version, f"v{version}"):
        check_keywords({"revision": revision})


def check_split(split: Any, builder: Mnist1D) -> None:
    """ValueError for names and slices of splits that the data will not have."""
    lengths = {name: stop - start for name, (start, stop) in builder.split_rows().items()}
    for one in split if isinstance(split, list | tuple) else [split]:
        if isinstance(one, str | datasets.NamedSplit) and one != "all":
            datasets.ReadInstruction.from_spec(str(one)).to_absolute(lengths)


def load_dataset(
    config_name: str | None = None,
    *,
    name: str | None = None,
    split: Any = None,
    streaming: bool = False,
    num_proc: int | None = None,
    cache_dir: str | PathLike[str] | None = None,
    features: datasets.Features | None = None,
    keep_in_memory: bool | None = None,
    download_mode: str | None = None,
    verification_mode: str | None = None,
    save_infos: bool = False,
    **params: Any,
) -> Any:
    """What `datasets.load_dataset("mnist1d", config_name, ...)` returns.

    A DatasetDict, or a Dataset when `split` is given, or their iterable twins when `streaming`.
    `config_name`, or `name`, is default, shuffled, high-translation, noisy or templates. The other
    keywords are the parameters of `SignalParams`, `latents` and `posterior`, which add columns (see
    `Mnist1DConfig`), and those of `datasets.load_dataset`; as nothing is downloaded, `token`,
    `download_config`, `storage_options` and `trust_remote_code` are allowed and never needed.

    Raises ValueError for a keyword that cannot be honoured, with what to do instead.

    >>> load_dataset("default", split="train[:10%]").num_rows
    400
    >>> load_dataset("default", split="test", posterior=True).column_names
    ['x', 'label', 'posterior']
    """
    if not isinstance(streaming, bool):
        raise ValueError(f"streaming={streaming!r}: must be True or False")
    if num_proc is not None and (type(num_proc) is not int or num_proc < 1):
        raise ValueError(f"num_proc={num_proc!r}: must be an integer, 1 or more")
    modes = (("download_mode", datasets.DownloadMode, download_mode),
             ("verification_mode", datasets.VerificationMode, verification_mode))  # fmt: skip
    for keyword, kind, mode in modes:  # a stream needs neither, and would not look
        if mode is not None and not isinstance(mode, kind):
            check_choice(keyword, mode, [one.value for one in kind])
    if streaming and num_proc is not None:
        raise ValueError(
            f"num_proc={num_proc}: a stream is made while it is read; share it among the workers "
            "of a DataLoader, or load without streaming"
        )
    builder = load_dataset_builder(
        config_name, name=name, cache_dir=cache_dir, features=features, **params
    )
    if streaming:
        return builder.as_streaming_dataset(split=split)
    check_split(split, builder)
    builder.download_and_prepare(
        num_proc=num_proc,
        download_mode=download_mode,
        verification_mode="all_checks" if save_infos else verification_mode,
    )
    return builder.as_dataset(split=split, in_memory=bool(keep_in_memory))
