"""The commits whose sources made the cells."""

import subprocess

import pytest

from mnist1d_hf.evidence.packed import write_packed
from mnist1d_hf.evidence.provenance import source_sha256


@pytest.fixture
def script(load_script, tmp_path, monkeypatch):
    script = load_script("sources")
    monkeypatch.setattr(script, "ROOT", tmp_path)
    return script


def git(folder, *command):
    who = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    done = subprocess.run(["git", *who, *command], cwd=folder, check=True, capture_output=True)
    return done.stdout.decode().strip()


def test_each_cell_is_counted_with_the_newest_commit_of_its_sources(script, tmp_path, capsys):
    package = tmp_path / "mnist1d_hf"
    (package / "studies").mkdir(parents=True)
    study, noise = package / "studies" / "tsne.py", package / "noise.py"
    study.write_text("from mnist1d_hf import noise\n")
    git(tmp_path, "init", "-q")
    made = {}
    for text in ("a = 1\n", "a = 2\n"):
        noise.write_text(text)
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-qm", text)
        source_sha256.cache_clear()
        made[git(tmp_path, "rev-parse", "HEAD")[:10]] = source_sha256(study, package)
    first, second = made
    digests = [made[first], made[second], made[second], "0" * 64, None]
    records = [
        {"function": "f", "cell": {"seed": seed}, "result": 1, "provenance": made_by}
        for seed, digest in enumerate(digests)
        for made_by in ({"source_sha256": digest} if digest else {},)
    ]
    write_packed(tmp_path / "cells" / "tsne.jsonl", records)
    script.main(["tsne"], tmp_path / "cells")
    expected = {f"1 {first}", f"2 {second}", "1 no commit", "1 do not say"}
    printed = capsys.readouterr().out
    assert printed.startswith("tsne: ") and set(printed[6:].strip().split(", ")) == expected


def test_what_cannot_be_answered_is_refused(script, tmp_path):
    with pytest.raises(ValueError, match="--study 'tsen': must be one of .*tsne"):
        script.main(["tsen"])
    write_packed(tmp_path / "cells" / "tsne.jsonl", [])
    with pytest.raises(ValueError, match="git log: .*not a git repository"):
        script.main(["tsne"], tmp_path / "cells")
