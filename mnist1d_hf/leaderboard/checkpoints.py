"""Checkpoints on the Hub that were trained elsewhere: a repository and a commit, made files."""

from pathlib import Path

import httpx2
from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import HFValidationError

FILES = ("*.json", "*.py", "*.safetensors")  # configuration, the model's code, weights
STAND_IN = Path(__file__).with_name("stand_in.py")


def fetch_checkpoint(repo_id: str, revision: str | None = None) -> tuple[Path, str]:
    """The folder of a checkpoint on this machine, and the commit that `revision` is now.

    Raises ValueError when there is no such repository or revision, or the Hub cannot be reached.
    """
    try:
        commit = HfApi().model_info(repo_id, revision=revision).sha
        assert commit
        home = Path(snapshot_download(repo_id, revision=commit, allow_patterns=list(FILES)))
    except (OSError, httpx2.HTTPError, HFValidationError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ValueError(
            f"{repo_id} at {revision or 'main'}: {lines[0]}; give a model's repository on the Hub, "
            "OWNER/NAME or OWNER/NAME@REVISION"
        ) from None
    if not (home / "config.json").is_file() or not list(home.glob("*.safetensors")):
        raise ValueError(f"{repo_id} at {commit} has no config.json with weights in safetensors")
    return home, commit
