"""Registration of the builder, so that `datasets.load_dataset("mnist1d", ...)` finds it.

This module uses a private API: `datasets` has no entry points for builders. It adds an entry to the
table of packaged modules (unchanged from version 2 to 5) with a factory of its own, because the
stock factory searches the working directory for data files, reports the use over the network, and
does not receive the `revision` argument. If a future version moves that table, importing
`mnist1d_hf` warns once and `mnist1d_hf.load_dataset` still works.
"""

import warnings
from functools import wraps
from typing import Any

from mnist1d_hf.data.keywords import check_keywords
from mnist1d_hf.data.load import check_revision, content_hash

NAME, MODULE = "mnist1d", "mnist1d_hf.data.mnist1d"


def register() -> bool:
    """Register the builder with `datasets`; importing `mnist1d_hf` calls this.

    Returns True when `datasets.load_dataset("mnist1d")` works. Otherwise it warns, and
    `mnist1d_hf.load_dataset` has the same arguments and result. Idempotent.
    """
    try:
        from datasets import load
        from datasets.data_files import DataFilesDict
        from datasets.packaged_modules import _PACKAGED_DATASETS_MODULES

        stock_factory, module_class = load.PackagedDatasetModuleFactory, load.DatasetModule
        find_stock_module = load.dataset_module_factory
    except (ImportError, AttributeError) as error:
        warnings.warn(
            f"this version of datasets has no place to register a builder ({error}); "
            'load_dataset("mnist1d") is unavailable, use mnist1d_hf.load_dataset() instead',
            stacklevel=2,
        )
        return False
    if NAME in _PACKAGED_DATASETS_MODULES:
        return True

    class Factory(stock_factory):  # type: ignore[valid-type, misc]
        def __init__(
            self, name: str, data_dir: Any = None, data_files: Any = None, **_: Any
        ) -> None:
            check_keywords({"data_dir": data_dir, "data_files": data_files})
            self.name = name

        def get_module(self) -> Any:
            # an empty list of files, because with None `datasets` would look for some
            builder_kwargs = {"dataset_name": NAME, "data_files": DataFilesDict()}
            return module_class(MODULE, content_hash(), builder_kwargs)

    def choose(name: str, *args: Any, **kwargs: Any) -> Any:
        return (Factory if name == NAME else stock_factory)(name, *args, **kwargs)

    @wraps(find_stock_module)
    def find_module(path: str, revision: Any = None, **kwargs: Any) -> Any:
        if path == NAME:
            check_revision(revision)
        return find_stock_module(path, revision=revision, **kwargs)

    load.PackagedDatasetModuleFactory = choose
    load.dataset_module_factory = find_module
    _PACKAGED_DATASETS_MODULES[NAME] = (MODULE, content_hash())
    return True
