"""Send the Hugging Face libraries of this process to another address."""

import os
import sys
from typing import Any


def settings(url: str) -> list[tuple[str, str, Any]]:
    """Module, variable and value: what the libraries make of HF_ENDPOINT when they are imported."""
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


# clients that modules have made for all that use them
SHARED = [("huggingface_hub.hf_api", "api"), ("transformers.utils.hub", "_hf_api")]


def redirect_clients(environment: dict[str, str]) -> None:
    """Set HF_ENDPOINT and HF_TOKEN, and what imported libraries have made of the former.

    The libraries read HF_ENDPOINT once, when they are imported; the token they read every time.
    `HfApi` and `HfFileSystem` objects that the caller has made keep the address they have.

    Raises `RuntimeError`, having changed nothing, when an imported library keeps its address in
    another place than the versions this package asks for: set the environment before the import.
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
    if "huggingface_hub.hf_file_system" in modules:  # it would hand out those made before
        modules["huggingface_hub.hf_file_system"].HfFileSystem.clear_instance_cache()
