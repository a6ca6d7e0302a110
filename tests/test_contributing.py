"""CONTRIBUTING.md agrees with the tree."""

import re


def test_it_names_every_room_and_every_module_outside_rooms(root):
    text = (root / "CONTRIBUTING.md").read_text()
    named = set(re.findall(r"`(?:mnist1d_hf/)?(\w+)(?:\.py|/)`", text))
    package = {p.stem for p in (root / "mnist1d_hf").iterdir() if p.suffix == ".py" or p.is_dir()}
    assert package - {"__init__", "__pycache__"} - named == set()
