"""Facts about the dataset for its card, computed from the data."""

import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset, DatasetInfo, SplitDict
from datasets.info import DatasetInfosDict
from huggingface_hub import DatasetCardData

from mnist1d_hf.data.identity import digest
from mnist1d_hf.data.load import load_dataset_builder
from mnist1d_hf.data.mnist1d import Mnist1D
from mnist1d_hf.data.parquet import write_parquet
from mnist1d_hf.data.tensors import to_numpy
from mnist1d_hf.signals.params import SignalParams, changes
from mnist1d_hf.signals.templates import templates


def dataset_facts() -> dict[str, Any]:
    """Configs with sizes and digests, parameters with rules, and the templates.

    The result is written to dataset_card/results/dataset.json.
    """
    drawn, card = templates(), DatasetCardData()
    configs, infos = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for name in Mnist1D.builder_configs:
            configs[name], infos[name] = config_facts(name, Path(folder))
    DatasetInfosDict(infos).to_dataset_card_data(card)
    return {
        "configs": configs,
        "dataset_info": card.to_dict()["dataset_info"],
        "parameters": [
            {
                "name": field.name,
                "default": field.default,
                "rule": field.metadata["rule"],
                "meaning": field.metadata["help"],
            }
            for field in fields(SignalParams)
        ],
        "templates": {"x": drawn.x, "t": drawn.t},
    }


def config_facts(name: str, folder: Path) -> tuple[dict[str, Any], DatasetInfo]:
    """The facts of one config and its metadata; writes its splits into `folder` to measure them."""
    builder = load_dataset_builder(name)
    signals = name != "templates"
    changed = changes(builder.config.params) if signals else {}
    splits: dict[str, Any] = {}
    infos = []
    for split, rows in builder.split_rows().items():
        table = builder.table(split, *rows)
        file = write_parquet(table, folder / f"{name}-{split}.parquet")
        data = Dataset(table)
        columns = {column: to_numpy(data, column) for column in data.column_names}
        splits[split] = {
            "rows": table.num_rows,
            "parquet_bytes": file.stat().st_size,
            "per_class": np.bincount(columns["label"], minlength=10),
            "sha256": {column: digest(values) for column, values in columns.items()},
        }
        infos.append({"name": split, "num_bytes": table.nbytes, "num_examples": table.num_rows})
    info = DatasetInfo(
        features=builder.info.features,
        splits=SplitDict.from_split_dict(infos),
        download_size=sum(split["parquet_bytes"] for split in splits.values()),
        dataset_size=sum(split["num_bytes"] for split in infos),
    )
    return {"changed": changed, "splits": splits}, info
