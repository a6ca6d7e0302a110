"""Published numbers in files: each group with its source."""

import json
from importlib.resources import files

import pytest

from mnist1d_hf.evidence import published
from mnist1d_hf.evidence.published import read_published
from mnist1d_hf.options import study_names

FILES = sorted(f for f in files(published).iterdir() if f.name.endswith(".json"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_group_says_where_it_is_from(file):
    assert file.name.removesuffix(".json") in study_names()
    groups = json.loads(file.read_text(encoding="utf-8"))
    for group in groups.values():
        assert group.keys() == {"source", "unit", "values"}
        assert all(isinstance(group[key], str) and group[key] for key in ("source", "unit"))
        assert group["values"]
    assert read_published(file.name.removesuffix(".json")).keys() == groups.keys()


def test_a_study_without_published_values_has_no_file():
    with pytest.raises(FileNotFoundError, match="fresh_data"):
        read_published("fresh_data")
