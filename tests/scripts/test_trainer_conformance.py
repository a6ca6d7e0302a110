"""transformers' own tests of Trainer with ours in its place: a small suite, and as recorded."""

import json
import os
import subprocess
import sys

import pytest

SUITE = """
import unittest
from transformers import (
    gone_from_the_library,
    Trainer,
    TrainingArguments,
)

class TrainerTest(unittest.TestCase):
    def test_passes(self):
        assert TrainingArguments("out").output_dir == "out"

    @gone_from_the_library(version=4)
    def test_needs_what_is_gone(self):
        assert gone_from_the_library() == 4

    def test_passes_with_theirs_alone(self):
        assert Trainer.__module__ == "transformers.trainer"

    @unittest.skip("for a change")
    def test_skipped(self):
        pass
"""


@pytest.mark.slow
def test_a_test_that_passes_with_trainer_alone_is_an_error(root, tmp_path):
    for name in ("parameterized", "sentencepiece"):  # of which the small suite has no need
        (tmp_path / "site" / name).mkdir(parents=True)
        (tmp_path / "site" / name / "__init__.py").touch()
    checkout = tmp_path / "transformers"
    (checkout / "tests" / "trainer").mkdir(parents=True)
    (checkout / "tests" / "trainer" / "test_trainer.py").write_text(SUITE)
    (checkout / "src" / "transformers").mkdir(parents=True)
    (checkout / "src" / "transformers" / "__init__.py").write_text('__version__ = "5.0.1"\n')
    out = tmp_path / "out.json"
    command = [sys.executable, "scripts/trainer_conformance.py", "--suite", checkout]
    done = subprocess.run(
        list(map(str, [*command, "--processes", 0, "--out", out])),
        cwd=root,
        env=os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{tmp_path / 'site'}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and "error: 1 tests differ" in done.stderr, done.stdout
    assert "Trainer alone: trainer.test_trainer.TrainerTest::test_passes_with" in done.stdout
    found = json.loads(out.read_text())
    assert found["version"] == "5.0.1" and found["imports replaced"] == 1
    assert found["Trainer"] == {"passed": 2, "skipped": 1, "failed": 1}
    assert found["Mnist1DTrainer"] == {"passed": 1, "skipped": 1, "failed": 2}
    assert (checkout / "tests" / "trainer" / "test_trainer.py").read_text() == SUITE


def test_a_folder_without_the_tests_is_refused(root, tmp_path):
    command = [sys.executable, "scripts/trainer_conformance.py", "--suite", str(tmp_path)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode and "it has no tests/trainer/test_trainer.py" in done.stderr


def test_as_recorded(root):
    record = root / "dataset_card" / "results" / "trainer_conformance.json"
    found = json.loads(record.read_text())
    assert found["imports replaced"] >= 1 and found["pass with both"] >= 126
    assert found["pass with Trainer alone"] == {}
