"""What a publication says of its files, without a Hub."""

import hashlib
import subprocess
from pathlib import Path

from mnist1d_hf.hub.publication import LargeFile, Publication


def publication(tmp_path):
    (tmp_path / "b.txt").write_bytes(b"of a file")
    large = {"x/train.parquet": LargeFile(Path("nowhere"), 10**12, "ab" * 32)}
    files = {"a.txt": b"of bytes", "b.txt": tmp_path / "b.txt"}
    return Publication("alice/d", "dataset", files, "Publish", large=large)


def test_digests_are_those_of_sha256_and_git(tmp_path):
    digests = publication(tmp_path).digests
    git = subprocess.run(
        ["git", "hash-object", tmp_path / "b.txt"], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert digests["b.txt"] == {git, hashlib.sha256(b"of a file").hexdigest()}
    assert digests["x/train.parquet"] == {"ab" * 32}  # which was not read: it does not exist


def test_sizes_and_addresses(tmp_path):
    ours = publication(tmp_path)
    assert ours.sizes == {"a.txt": 8, "b.txt": 9, "x/train.parquet": 10**12}
    assert (ours.name, ours.address) == ("dataset alice/d", "datasets/alice/d")
    assert Publication("alice/m", "model", {}, "").address == "alice/m"


def test_what_differs(tmp_path):
    ours = publication(tmp_path)
    there = {path: min(names) for path, names in ours.digests.items()}
    assert ours.differs(there) == ([], [])
    there["x/old.parquet"] = there.pop("x/train.parquet")
    there |= {"a.txt": "another", "notes.md": "of somebody else"}
    assert ours.differs(there) == (["a.txt", "x/train.parquet"], ["x/old.parquet"])
