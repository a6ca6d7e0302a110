"""Folders: the same on this machine and in the memory file system."""

import errno
import hashlib
import os

import pytest

from mnist1d_hf import files
from mnist1d_hf.shards.folder import Folder


@pytest.fixture(params=["local", "file", "memory"])
def folder(request, tmp_path):
    urls = {
        "local": tmp_path / "some folder",
        "file": f"file://{tmp_path}/f",
        "memory": f"memory:/{tmp_path}",
    }
    return Folder(urls[request.param])


def test_files_are_written_read_listed_and_removed(folder):
    assert folder.sizes() == {}
    folder.check_writable()
    folder.write_json(".hidden/a.json", {"rows": 3})
    with folder.writing("b.bin") as path:
        path.write_bytes(b"12345")
        assert "b.bin" not in folder.sizes()
    assert folder.read_json(".hidden/a.json") == {"rows": 3}
    assert folder.sizes() == {".hidden/a.json": 15, "b.bin": 5}
    assert folder.sha256("b.bin") == hashlib.sha256(b"12345").hexdigest()
    folder.remove("b.bin")
    folder.remove("b.bin")
    assert folder.sizes() == {".hidden/a.json": 15}


def test_what_is_not_there_is_none(folder):
    assert folder.read_json("a.json") is None
    assert folder.sha256("a.json") is None
    with folder.writing("a.json") as path:
        path.write_text('{"rows": ')
    assert folder.read_json("a.json") is None


def test_an_error_leaves_the_old_file_and_nothing_else(folder):
    folder.write_json("a.json", 1)
    with pytest.raises(KeyboardInterrupt), folder.writing("a.json") as path:
        path.write_text("half")
        raise KeyboardInterrupt
    assert folder.read_json("a.json") == 1
    assert list(folder.sizes()) == ["a.json"]


def test_a_local_folder_has_an_absolute_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Folder("here").url == str(tmp_path / "here")


def test_unknown_addresses_and_unwritable_folders_are_refused(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="output folder nope://x: Protocol not known"):
        Folder("nope://x")
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="choose another"):
        Folder(tmp_path / "file" / "below").check_writable()

    def refuse(dir):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(files, "TemporaryFile", refuse)  # tests may run as root, who may write
    with pytest.raises(ValueError, match="Permission denied; choose another"):
        Folder(tmp_path).check_writable()
