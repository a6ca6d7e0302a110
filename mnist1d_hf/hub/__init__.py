"""Publishing: `publish` and `shard_repo` list the files, `push` uploads and verifies them.

The order of calls is `publish_all` (scripts/publish.py), `push`, `upload_missing`, `preupload` (for
large files, before a commit), `commit_batch`. A `publication` describes the content of a
repository, and `attempts` decides which failures to retry.
"""
