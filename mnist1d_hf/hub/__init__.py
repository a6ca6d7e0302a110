"""Publishing: `publish` and `shard_repo` list the files, `push` uploads and verifies them.

The chain is `publish_all` (scripts/publish.py) -> `push` -> `upload_missing` -> `preupload` (large
files, ahead of a commit) -> `commit_batch`. A `publication` is what a repository shall hold, and
`attempts` knows which failures are worth another try.
"""
