"""The dataset's card: its metadata, and tables between markers, generated from results.

All other text is written by hand. `fill` is idempotent, so the card agrees with the results exactly
when filling it changes nothing. The project's README has tables of the same kind.
huggingface_hub's card templates (Jinja2) generate whole cards, but cannot update a card in which
people write.
"""

import re
from collections.abc import Mapping
from typing import Any

import yaml
from huggingface_hub import RepoCard

from mnist1d_hf.pages import data_tables, result_tables
from mnist1d_hf.pages.leaderboard import frozen_tables
from mnist1d_hf.pages.result_tables import ceilings
from mnist1d_hf.pages.tracks import leaderboard_page

Results = Mapping[str, Mapping[str, Any]]

# placeholder for the published name, in the card of this repository
ADDRESS = "<user>/mnist1d"
METADATA = {
    "pretty_name": "MNIST-1D",
    "license": "apache-2.0",
    "task_categories": ["tabular-classification"],
    "task_ids": ["tabular-multi-class-classification"],
    "size_categories": ["1K<n<10K"],
    "source_datasets": ["original"],
    "annotations_creators": ["machine-generated"],
    "tags": [
        "timeseries",
        "synthetic",
        "procedural-generation",
        "mnist1d",
        "arxiv:2011.14439",
    ],
}


def fill(card: str, results: Results) -> str:
    """The card with its metadata and every marked table generated from the results."""
    return f"---\n{front_matter(results)}---\n{fill_tables(RepoCard(card).text, results)}"


def fill_tables(text: str, results: Results) -> str:
    """`text` with every table between markers generated from the results.

    `results` are the files of dataset_card/results by name. Raises ValueError for a marker of an
    unknown table.
    """

    def table(match: re.Match[str]) -> str:
        name = match[1]
        if name not in TABLES:
            raise ValueError(f"the text asks for table {name!r}: choose of {', '.join(TABLES)}")
        return f"<!-- begin {name} -->\n{TABLES[name](results)}\n<!-- end {name} -->"

    return re.sub(r"<!-- begin ([\w-]+) -->\n.*?<!-- end \1 -->", table, text, flags=re.DOTALL)


def addressed(card: str, repo_id: str) -> str:
    """The card with the name of the repository in its examples, for publishing."""
    return card.replace(ADDRESS, repo_id)


def front_matter(results: Results) -> str:
    """The card's metadata as YAML."""
    configs = []
    for name, config in results["dataset"]["configs"].items():
        files = [
            {"split": split, "path": f"{name}/{split}-*.parquet"} for split in config["splits"]
        ]
        default = {"default": True} if name == "default" else {}
        configs.append({"config_name": name, **default, "data_files": files})
    metadata = {
        **METADATA,
        "configs": configs,
        "dataset_info": results["dataset"]["dataset_info"],
    }
    return yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True)


def leaderboard(results: Results) -> str:
    """The page LEADERBOARD.md."""
    frozen = frozen_tables(results["leaderboard"]["entries"])
    return leaderboard_page(results.get("tracks", {}), ceilings(results), frozen)


TABLES = {
    "benchmark": result_tables.benchmark_table,
    "configs": data_tables.configs_table,
    "parameters": data_tables.parameters_table,
    "results": result_tables.results_table,
    "speed": result_tables.speed_table,
    "scale": data_tables.scale_table,
    "templates": data_tables.templates_table,
    "digests": data_tables.digests_table,
    "classes": data_tables.classes_table,
    "leaderboard": result_tables.leaders_table,
    "headline": result_tables.headline,
    "optimum": result_tables.optimum_table,
    "verdicts": result_tables.verdicts_table,
    "verdict-numbers": result_tables.verdict_numbers,
}
