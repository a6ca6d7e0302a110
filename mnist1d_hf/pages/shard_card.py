"""The card of a dataset in shards, generated from the manifests of its configs.

huggingface_hub writes the metadata (`DatasetCardData`); the text needs no template library.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import yaml
from datasets import DatasetInfo, SplitDict
from datasets.info import DatasetInfosDict
from huggingface_hub import DatasetCardData

from mnist1d_hf.data.columns import OPTIONS, column_features
from mnist1d_hf.data.load import load_dataset_builder
from mnist1d_hf.pages.dataset_card import METADATA
from mnist1d_hf.pages.tables import markdown
from mnist1d_hf.signals.params import SignalParams, changes

Manifests = Mapping[str, Mapping[str, Any]]

# the Hub's categories for numbers of rows, in powers of ten
SIZES = (
    "n<1K 1K<n<10K 10K<n<100K 100K<n<1M 1M<n<10M 10M<n<100M 100M<n<1B 1B<n<10B 10B<n<100B "
    "100B<n<1T n>1T"
).split()
CARD = """\
# MNIST-1D, {rows:,} rows

These are signals of the ten classes of [MNIST-1D](https://arxiv.org/abs/2011.14439). The package
`mnist1d-hf` generated them from its stream `counter` with the parameters below. They are not the
5000 rows of the paper. Each row has a signal, `x`, which is a list of float32 numbers, and its
class, `label`.{more}

{table}

```python
from datasets import load_dataset

rows = load_dataset("{repo_id}", "{config}", split="{split}", streaming=True)
```

## Generate these rows again

Any part of these rows can be generated again, in any order and on any number of machines:

```python
{code}
```

Beside the files of each config, `manifest.json` lists the parameters and the digests of each file:
`sha256` is that of the file, and `arrow` has the SHA-256 of the values in each column, which does
not depend on the version of Parquet.

Licence: Apache 2.0. Please cite Greydanus & Kobak, "Scaling Down Deep Learning with MNIST-1D",
ICML 2024.
"""


def shard_card(manifests: Manifests, repo_id: str) -> str:
    """The text of README.md: metadata, sizes, and how to load and regenerate the dataset."""
    config, manifest = next(iter(manifests.items()))
    text = CARD.format(
        rows=total_rows(manifests),
        more=more_columns(list(column_features(columns_of(manifest)))),
        table=configs_table(manifests),
        repo_id=repo_id,
        config=config,
        split=next(iter(manifest["rows"])),
        code="\n".join(code(manifests)),
    )
    return f"---\n{front_matter(manifests)}---\n\n{text}"


def columns_of(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Which columns were added, as `Mnist1DConfig.columns`."""
    return tuple(name for name in OPTIONS if manifest.get(name))


def more_columns(names: Sequence[str]) -> str:
    """A sentence on the columns besides `x` and `label`, after a space; empty without them."""
    if not names:
        return ""
    return f" It has more columns: {', '.join(f'`{name}`' for name in names)}."


def total_rows(manifests: Manifests) -> int:
    return sum(sum(manifest["rows"].values()) for manifest in manifests.values())


def configs_table(manifests: Manifests) -> str:
    rows = [
        [
            f"`{config}`",
            ", ".join(f"{split} {count:,}" for split, count in manifest["rows"].items()),
            f"{manifest['params']['final_seq_length']}",
            f"{len(manifest['files'])}",
            f"{sum(file['bytes'] for file in manifest['files'].values()) / 1e6:,.1f} MB",
        ]
        for config, manifest in manifests.items()
    ]
    return markdown(["config", "rows", "values per row", "files", "Parquet"], rows)


def code(manifests: Manifests) -> list[str]:
    """Lines of Python that generate the shards of every config again."""
    lines = ["from mnist1d_hf import SignalParams", "from mnist1d_hf.shards.job import ShardJob"]
    for config, manifest in manifests.items():
        params = changes(SignalParams(**manifest["params"]))
        changed = ", ".join(f"{name}={value!r}" for name, value in params.items())
        job = f'"{config}", params, num_shards={manifest["num_shards"]}, out="shards"'
        job += "".join(f", {name}=True" for name in columns_of(manifest))
        lines += ["", f"params = SignalParams({changed})", f"ShardJob({job}).run()"]
    return lines


def front_matter(manifests: Manifests) -> str:
    card, configs = DatasetCardData(), []
    for config, manifest in manifests.items():
        splits = [{"split": s, "path": f"{config}/{s}-*.parquet"} for s in manifest["rows"]]
        configs.append({"config_name": config, "data_files": splits})
    infos = {config: dataset_info(manifest) for config, manifest in manifests.items()}
    DatasetInfosDict(infos).to_dataset_card_data(card)
    size = SIZES[min(max(len(str(total_rows(manifests))) - 3, 0), len(SIZES) - 1)]
    metadata = {
        **METADATA,
        "size_categories": [size],
        "configs": configs,
        "dataset_info": card.to_dict()["dataset_info"],
    }
    return yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True)


def dataset_info(manifest: Mapping[str, Any]) -> DatasetInfo:
    more: dict[str, Any] = dict.fromkeys(columns_of(manifest), True)
    builder = load_dataset_builder(manifest["config"], **manifest["params"], **more)
    features = builder.info.features
    row = sum(bytes_of(kind) for kind in features.arrow_schema.types)
    splits = [
        {"name": split, "num_bytes": row * count, "num_examples": count}
        for split, count in manifest["rows"].items()
    ]
    return DatasetInfo(
        features=features,
        splits=SplitDict.from_split_dict(splits),
        download_size=sum(file["bytes"] for file in manifest["files"].values()),
        dataset_size=sum(split["num_bytes"] for split in splits),
    )


def bytes_of(kind: pa.DataType) -> int:
    """Bytes of one value: a number, or a list of so many numbers."""
    return getattr(kind, "list_size", 1) * getattr(kind, "value_type", kind).bit_width // 8
