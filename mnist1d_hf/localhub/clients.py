"""Redirection of the Hugging Face libraries of this process to another address."""

import os
import sys
from typing import Any


def settings(url: str) -> list[tuple[str, str, Any]]:
    """Modules, variables and values that the libraries derive from HF_ENDPOINT on import."""
    return [
        ("huggingface_hub.constants", "ENDPOINT", url),
        (
            "huggingface_hub.constants",
            "HUGGINGFACE_CO_URL_TEMPLATE",
            url + "/{repo_id}/resolve/{revision}/{filename}",
        ),
        ("huggingface_hub.utils._git_credential", "ENDPOINT", url),
        ("datasets.config", "HF_ENDPOINT", url),
        (
            "datasets.config",
            "HUB_DATASETS_URL",
            url + "/datasets/{repo_id}/resolve/{revision}/{path}",
        ),
        # a service beside the real Hub, with a name of its own
        ("datasets.config", "USE_PARQUET_EXPORT", False),
        ("evaluate.config", "HF_ENDPOINT", url),
        ("evaluate.config", "HF_LIST_ENDPOINT", url + "/api/spaces?filter={type}"),
        ("evaluate.config", "HUB_EVALUATE_URL", url + "/spaces/{path}/resolve/{revision}/{name}"),
    ]


# clients that modules create once and share
SHARED = [("huggingface_hub.hf_api", "api"), ("transformers.utils.hub", "_hf_api")]


def redirect_clients(environment: dict[str, str]) -> None:
    """Set HF_ENDPOINT and HF_TOKEN, and update the libraries that are imported already.

    The libraries read HF_ENDPOINT on import, and the token on every use. Existing `HfApi` and
    `HfFileSystem` objects keep their address.

    Raises RuntimeError, without any change, when an imported library stores its address elsewhere
    than in the supported versions: set the environment before the import.
    """
    url, modules = environment["HF_ENDPOINT"], sys.modules
    changes = [(modules[name], key, value) for name, key, value in settings(url) if name in modules]
    for name, variable in SHARED:
        client = getattr(modules[name], variable, modules[name]) if name in modules else None
        if client is not None:  # not made yet
            changes.append((client, "endpoint", url))
    for owner, key, _ in changes:
        if not hasattr(owner, key):
            raise RuntimeError(
                f"{owner} has no {key!r} to change: set HF_ENDPOINT={url} before it is imported, "
                "or use a version that this package asks for"
            )
    for owner, key, value in changes:
        setattr(owner, key, value)
    os.environ |= environment
    if "huggingface_hub.hf_file_system" in modules:  # it caches file systems
        modules["huggingface_hub.hf_file_system"].HfFileSystem.clear_instance_cache()
