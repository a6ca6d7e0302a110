"""scripts/submit.py: an entry from its file to its record, and back."""

import dataclasses
import re

import numpy as np
import pytest
from huggingface_hub import HfApi

from mnist1d_hf.evidence.results import read_result
from mnist1d_hf.leaderboard import referee, tracks
from mnist1d_hf.leaderboard.draws import draw_trial
from mnist1d_hf.leaderboard.entries import identity, read_code
from mnist1d_hf.leaderboard.records import make_record, read_record, write_record
from mnist1d_hf.leaderboard.referee import Score
from mnist1d_hf.leaderboard.tracks import TRACKS, EntryError
from mnist1d_hf.leaderboard.trials import score_trial, unfinished_folder, unfinished_run
from mnist1d_hf.models import ARCHITECTURES

ENTRY = """
import numpy as np

def train(x, y, *, seed, num_classes):
    centres = np.stack([x[y == k].mean(0) for k in range(num_classes)])
    return lambda rows: ((rows[:, None] - centres) ** 2).sum(2).argmin(1)
"""
ABOUT = {"name": "Nearest centre", "author": "me", "link": "https://example.org"}


@pytest.fixture
def script(load_script, monkeypatch, tmp_path):
    """The script, with two trials of few rows."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
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


@pytest.mark.usefixtures("bubblewrap")
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
    told = capsys.readouterr().out
    assert re.search(r"on the same data [\d.]+ points worse than Nearest centre, z = -", told)
    assert "farthest-centre.json and farthest-centre.npz: open a pull request" in told
    second = read_result(folder / "default" / "farthest-centre.json")
    assert second["against"]["entry"] == "Nearest centre" and second["against"]["z"] < 0
    assert second["data_seed"] != record["data_seed"]


@pytest.mark.usefixtures("bubblewrap")
def test_a_run_that_was_stopped_goes_on_with_the_same_data(
    script, entry, tmp_path, monkeypatch, capsys
):
    folder = tmp_path / "board"
    entry.write_text(ENTRY.replace("argmin", "argmax"))
    script.main(entry, **ABOUT | {"name": "Leader"}, folder=folder)
    entry.write_text(ENTRY)
    run_trial, draws = referee.run_trial, []

    def stopped(code, draw, *rest):
        if len(draws) == 3:
            draws.append(None)
            raise KeyboardInterrupt
        draws.append(draw)
        return run_trial(code, draw, *rest)

    monkeypatch.setattr(referee, "run_trial", stopped)
    with pytest.raises(KeyboardInterrupt):
        script.main(entry, **ABOUT, folder=folder)
    assert not list((folder / "default").glob("nearest*"))
    script.main(entry, **ABOUT, folder=folder)
    assert "a run that was stopped after 3 trials" in capsys.readouterr().err
    first, second, once_more, _, again = draws  # the leader's second trial was stopped
    assert np.array_equal(first.x, once_more.x) and np.array_equal(second.x, again.x)
    record = read_result(folder / "default" / "nearest-centre.json")
    assert len(record["trials"]) == 2 and record["against"]["z"] > 1
    assert not list(unfinished_folder().iterdir())


def test_a_run_that_goes_on_elsewhere_or_cannot_be_read_is_said(script, entry, tmp_path):
    name = f"default-nearest-centre-{identity(ENTRY)[:16]}"
    with (
        pytest.raises(ValueError, match="being run already"),
        unfinished_run(name),
    ):
        script.main(entry, **ABOUT, folder=tmp_path)
    (unfinished_folder() / name).mkdir(parents=True, exist_ok=True)
    (unfinished_folder() / name / "run.json").write_text("{")
    with pytest.raises(ValueError, match="cannot be read: remove it"):
        script.main(entry, **ABOUT, folder=tmp_path)


@pytest.mark.usefixtures("bubblewrap")
def test_nothing_is_kept_of_an_entry_that_fails(script, entry, tmp_path, capsys):
    entry.write_text(ENTRY.replace("return", "print('on my way'); return 1 / (seed < 0) #"))
    with pytest.raises(EntryError) as error:
        script.main(entry, **ABOUT, folder=tmp_path)
    assert str(error.value) == "training: ZeroDivisionError: division by zero"
    told = capsys.readouterr().err
    assert "the entry had written:" in told and "on my way" in told
    assert not list(unfinished_folder().iterdir())


def test_a_rehearsal_that_is_stopped_does_not_go_on(script, entry, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(referee, "run_trial", stopped)
    with pytest.raises(KeyboardInterrupt, match="nothing is kept of a rehearsal"):
        script.main(entry, rehearse=True)


@pytest.mark.usefixtures("bubblewrap")
def test_the_same_code_enters_a_track_once(script, entry, tmp_path):
    script.main(entry, **ABOUT, folder=tmp_path)
    with pytest.raises(ValueError, match="Nearest centre in the track default is the same"):
        script.main(entry, **ABOUT | {"name": "other"}, folder=tmp_path)


@pytest.mark.usefixtures("bubblewrap")
def test_a_rehearsal_writes_nothing(script, entry, tmp_path, capsys):
    script.main(entry, rehearse=True, folder=tmp_path / "board")
    shown = capsys.readouterr().out
    assert "2 trials" in shown and not (tmp_path / "board").exists()
    accuracy, below = (float(re.search(rf"([\d.]+) {what}", shown)[1]) for what in ("%", "points"))
    assert accuracy + below == pytest.approx(99.98, abs=0.01)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"name": ""}, "--name"),
        ({"name": "a|b"}, "--name"),
        ({"name": "???"}, "at least one letter"),
        ({"link": "http://example.org"}, "--link"),
        ({"track": "defualt"}, "did you mean 'default'"),
        ({"rows": 1000}, "the track default has 4,000, always"),
        ({"rows": 1001, "track": "rows-99"}, "must be one of 125, 177, 250"),
    ],
)
def test_what_does_not_fit_a_table_is_refused_before_a_run(script, entry, options, message):
    with pytest.raises(ValueError, match=message):
        script.main(entry, **ABOUT | options)


@pytest.mark.parametrize("option", ["verify", "redraw"])
def test_what_a_record_says_itself_is_refused(script, tmp_path, option):
    given = {"track": "noisy", "name": "a", "rows": 0, "folder": tmp_path}
    with pytest.raises(ValueError, match="^--name, --track, --rows, --folder: "):
        script.main(**{option: tmp_path / "a.json"}, **given)


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


@pytest.mark.usefixtures("bubblewrap")
def test_a_record_is_replaced_by_a_run_on_new_data(script, entry, tmp_path, capsys):
    script.main(entry, **ABOUT | {"remark": "plain"}, folder=tmp_path)
    path = tmp_path / "default" / "nearest-centre.json"
    before = read_result(path)
    script.main(redraw=path)
    after = read_result(path)
    assert before["data_seed"] != after["data_seed"] and "against" not in after
    for field in ("name", "author", "link", "remark", "code", "track"):
        assert before[field] == after[field]
    script.main(verify=path)
    assert "the record holds" in capsys.readouterr().out


@pytest.mark.usefixtures("bubblewrap")
def test_a_record_that_claims_too_much_does_not_hold(script, entry, tmp_path, monkeypatch):
    """Also when its predictions were made to fit."""
    more = dataclasses.replace(TRACKS["default"], trials=6)
    monkeypatch.setitem(TRACKS, "default", more)
    script.main(entry, **ABOUT, folder=tmp_path)
    path = tmp_path / "default" / "nearest-centre.json"
    record = read_record(path)
    draws = [draw_trial(TRACKS["default"], record["data_seed"], number) for number in range(6)]
    trials = [score_trial(draw.y_test.astype(np.uint8), draw, 1.0) for draw in draws]
    perfect = Score(record["rows"], trials)
    about = {field: record[field] for field in ("name", "author", "link", "remark")}
    forged = make_record(TRACKS["default"], perfect, ENTRY, record["data_seed"], about)
    write_record(path, forged, perfect, seconds=1.0)
    with pytest.raises(ValueError, match="100.000 %, .* the record does not hold"):
        script.main(verify=path)


@pytest.mark.usefixtures("bubblewrap")
def test_a_leader_may_miss_the_target_where_a_new_entry_reaches_it(script, tmp_path, monkeypatch):
    """A track of rows is won by fewer rows, with which the leader fails."""
    track = dataclasses.replace(TRACKS["rows-99"], trials=5, test_rows=3000, rows=500, target=12.0)
    monkeypatch.setitem(TRACKS, "rows-99", track)
    code = (
        ENTRY.replace("def train(", "def train_well(")
        + """
def train(x, y, *, seed, num_classes):
    if len(x) < LEAST:
        return lambda rows: np.zeros(len(rows), int)
    return train_well(x, y, seed=seed, num_classes=num_classes)
"""
    )
    records = []
    for least in (500, 250):
        path = tmp_path / f"{least}.py"
        path.write_text(code.replace("LEAST", str(least)))
        about = ABOUT | {"name": f"from {least}"}
        script.main(path, **about, track="rows-99", rows=least, folder=tmp_path)
        records.append(read_record(tmp_path / "rows-99" / f"from-{least}.json"))
    assert [record["rows"] for record in records] == [500, 250]
    assert records[1]["against"]["z"] > 3


@pytest.mark.usefixtures("bubblewrap")
def test_a_leader_that_fails_is_named_and_nothing_is_lost(script, entry, tmp_path, monkeypatch):
    script.main(entry, **ABOUT | {"name": "Leader"}, folder=tmp_path)
    entry.write_text(ENTRY + "# another\n")
    run_trial = referee.run_trial

    def failing(code, *rest):
        if code == ENTRY:
            raise EntryError("importing the file: ModuleNotFoundError: No module named 'x'")
        return run_trial(code, *rest)

    monkeypatch.setattr(referee, "run_trial", failing)
    with pytest.raises(ValueError, match=r"(?s)Leader, which leads .*'x'.*kept: install .*numpy"):
        script.main(entry, **ABOUT, folder=tmp_path)
    assert len(list(unfinished_folder().rglob("*.npz"))) == 2
    monkeypatch.setattr(referee, "run_trial", run_trial)
    script.main(entry, **ABOUT, folder=tmp_path)
    assert read_record(tmp_path / "default/nearest-centre.json")["against"]["entry"] == "Leader"


def test_a_folder_that_cannot_be_written_is_refused_before_a_run(script, entry, tmp_path):
    (tmp_path / "board").write_text("a file")
    with pytest.raises(ValueError, match="choose another"):
        script.main(entry, **ABOUT, folder=tmp_path / "board")


def test_entries_are_kept_in_the_checkout_wherever_one_is(script, root):
    assert script.BOARD == root / "dataset_card" / "leaderboard"


@pytest.mark.parametrize("content", [b"def train():\n    '\xff'", b"def train():\0"])
def test_a_file_that_is_no_text_is_named(script, tmp_path, content):
    path = tmp_path / "odd.py"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="odd.py: "):
        script.main(path, **ABOUT)


def test_a_byte_order_mark_is_no_error(tmp_path):
    path = tmp_path / "marked.py"
    path.write_text(ENTRY, encoding="utf-8-sig")
    assert read_code(path) == ENTRY


def test_an_entry_of_the_same_name_is_not_overwritten(script, entry, tmp_path):
    path = tmp_path / "default" / "nearest-centre.json"
    path.parent.mkdir()
    path.write_text("{}")
    with pytest.raises(ValueError, match="choose another --name"):
        script.main(entry, **ABOUT, folder=tmp_path)


@pytest.mark.usefixtures("bubblewrap")
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
@pytest.mark.usefixtures("bubblewrap")
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
        with pytest.raises(ValueError, match="give one of the entry's file, --checkpoint"):
            script.main(file, checkpoint=checkpoint, **ABOUT)
