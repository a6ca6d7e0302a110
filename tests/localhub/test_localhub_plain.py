"""Any value becomes JSON."""

import json
from datetime import date
from pathlib import Path

import pytest

from mnist1d_hf.localhub.metadata import read_metadata
from mnist1d_hf.localhub.plain import to_json


def test_values_become_json():
    value = {
        date(2024, 1, 31): {b"\xff"},
        None: float("nan"),
        1.5: 16**5000,
        (1, "a"): Path("x"),
        "half \ud800": "\udfff",
    }
    read = json.loads(to_json(value), parse_constant=pytest.fail)
    assert read == {
        "2024-01-31": ["/w=="],
        "null": None,
        "1.5": hex(16**5000),
        '[1, "a"]': "x",
        "half ?": "?",
    }


def test_a_card_is_in_the_terms_of_json_when_it_is_read():
    metadata, error = read_metadata("---\ndate: 2024-01-31\n---\n")
    assert (metadata, error) == ({"date": "2024-01-31"}, None)
