"""scripts/submit.py: an entry from its file to its record, and back."""

import dataclasses
import shutil
import subprocess

import pytest
from huggingface_hub import HfApi

from mnist1d_hf.evidence.results import read_result
from mnist1d_hf.leaderboard import tracks
from mnist1d_hf.models import ARCHITECTURES

ENTRY = """
import numpy as np

def train(x, y, *, seed, num_classes):
    centres = np.stack([x[y == k].mean(0) for k in range(num_classes)])
    return lambda rows: ((rows[:, None] - centres) ** 2).sum(2).argmin(1)
"""
ABOUT = {"name": "Nearest centre", "author": "me", "link": "https://example.org"}


def works():
    command = ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "true"]
    return bool(shutil.which("bwrap")) and subprocess.run(command).returncode == 0


@pytest.fixture
def script(load_script, monkeypatch):
    """The script, with two trials of few rows."""
    script = load_script("submit")
    for name, track in tracks.TRACKS.items():
        small = dataclasses.replace(track, trials=2, test_rows=500)
        monkeypatch.setitem(script.TRACKS, name, small)
    return script


@pytest.fixture
def entry(tmp_path):
    path = tmp_path / "entry.py"
    path.write_text(ENTRY)
    return path


@pytest.mark.skipif(not works(), reason="needs bubblewrap")
def test_an_entry_is_run_recorded_and_run_again(script, entry, tmp_path, capsys):
    folder = tmp_path / "board"
    script.main(entry, **ABOUT, folder=folder)
    path = folder / "default" / "nearest-centre.json"
    record = read_result(path)
    assert record["code"] == ENTRY and len(record["trials"]) == 2 and "against" not in record
    assert 20 < record["accuracy"]["mean"] < 40
    script.main(verify=path)
    assert "equal predictions, percent: 100.000" in capsys.readouterr().out

    entry.write_text(ENTRY.replace("argmin", "argmax"))  # the farthest
    script.main(entry, **ABOUT | {"name": "Farthest centre"}, folder=folder)
    second = read_result(folder / "default" / "farthest-centre.json")
    assert second["against"]["entry"] == "Nearest centre" and second["against"]["z"] < 0
    assert second["data_seed"] != record["data_seed"]


@pytest.mark.skipif(not works(), reason="needs bubblewrap")
def test_a_rehearsal_writes_nothing(script, entry, tmp_path, capsys):
    script.main(entry, rehearse=True, folder=tmp_path / "board")
    assert "2 trials" in capsys.readouterr().out and not (tmp_path / "board").exists()


@pytest.mark.parametrize(
    "options, message",
    [
        ({"name": ""}, "--name"),
        ({"name": "a|b"}, "--name"),
        ({"name": "???"}, "at least one letter"),
        ({"link": "http://example.org"}, "--link"),
        ({"track": "defualt"}, "did you mean 'default'"),
    ],
)
def test_what_does_not_fit_a_table_is_refused_before_a_run(script, entry, options, message):
    with pytest.raises(ValueError, match=message):
        script.main(entry, **ABOUT | options)


@pytest.mark.parametrize(
    "code, message",
    [("def train(:", "invalid syntax"), ("x = 1", "no function train"), (None, "does not exist")],
)
def test_a_file_that_is_no_entry_is_refused(script, tmp_path, code, message):
    path = tmp_path / "entry.py"
    if code is not None:
        path.write_text(code)
    with pytest.raises(ValueError, match=message):
        script.main(path, **ABOUT)


def test_an_entry_of_the_same_name_is_not_overwritten(script, entry, tmp_path):
    path = tmp_path / "default" / "nearest-centre.json"
    path.parent.mkdir()
    path.write_text("{}")
    with pytest.raises(ValueError, match="choose another --name"):
        script.main(entry, **ABOUT, folder=tmp_path)


@pytest.mark.skipif(not works(), reason="needs bubblewrap")
def test_a_rehearsal_says_that_the_target_was_missed(script, entry, capsys):
    script.main(entry, track="seconds-94", rehearse=True)
    assert "94 % was not reached with 4,000 training examples" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["x = 1", "{}"])
def test_a_file_that_is_no_record_is_not_verified(script, tmp_path, content):
    path = tmp_path / "record.json"
    path.write_text(content)
    with pytest.raises(ValueError, match="is no record of an entry"):
        script.main(verify=path)


@pytest.fixture
def published(hub, tmp_path):
    """A model without training on the Hub, with its code: its repository and its first commit."""
    config, model = ARCHITECTURES["logistic"]
    model(config()).save_pretrained(tmp_path / "model")
    api = HfApi()
    api.create_repo("alice/m")
    first = api.upload_folder(repo_id="alice/m", folder_path=tmp_path / "model").oid
    api.upload_file(repo_id="alice/m", path_or_fileobj=b"{}", path_in_repo="config.json")
    return "alice/m", first


@pytest.mark.slow  # four processes import transformers
@pytest.mark.skipif(not works(), reason="needs bubblewrap")
@pytest.mark.parametrize("hub", ["xet"], indirect=True)
def test_a_checkpoint_is_tested_as_it_was_at_its_revision(script, published, tmp_path, capsys):
    repo_id, first = published
    folder = tmp_path / "board"
    track = "default-elsewhere"
    script.main(checkpoint=f"{repo_id}@{first}", track=track, **ABOUT, folder=folder)
    path = folder / track / "nearest-centre.json"
    record = read_result(path)
    assert record["checkpoint"] == {"repo_id": repo_id, "revision": first}
    assert "from_pretrained" in record["code"] and record["accuracy"]["n"] == 2
    script.main(verify=path)
    assert "equal predictions, percent: 100.000" in capsys.readouterr().out


@pytest.mark.parametrize("hub", ["xet"], indirect=True)
@pytest.mark.parametrize(
    "checkpoint, message",
    [
        ("alice/nothing", "alice/nothing at main: "),
        ("alice/m@v9", "alice/m at v9: "),
        ("a/b/c", "OWNER/NAME@REVISION"),
    ],
)
def test_a_checkpoint_that_is_not_there_is_said(script, published, checkpoint, message):
    with pytest.raises(ValueError, match=message):
        script.main(checkpoint=checkpoint, track="default-elsewhere", **ABOUT)


@pytest.mark.parametrize("hub", ["xet"], indirect=True)
def test_a_repository_without_weights_is_refused(script, hub):
    HfApi().create_repo("alice/empty")
    with pytest.raises(ValueError, match="no config.json with weights in safetensors"):
        script.main(checkpoint="alice/empty", track="noisy-elsewhere", **ABOUT)


def test_code_and_checkpoints_have_tracks_of_their_own(script, entry):
    with pytest.raises(ValueError, match="a file can enter one of default, noisy, rows-99"):
        script.main(entry, track="default-elsewhere", **ABOUT)
    with pytest.raises(ValueError, match="a checkpoint can enter one of default-elsewhere"):
        script.main(checkpoint="alice/m", track="default", **ABOUT)
    for file, checkpoint in ((None, ""), (entry, "alice/m")):
        with pytest.raises(ValueError, match="the entry's file or --checkpoint"):
            script.main(file, checkpoint=checkpoint, **ABOUT)
