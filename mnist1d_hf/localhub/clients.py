"""Send the Hugging Face libraries of this process to another address."""

import os
import sys
from typing import Any

# module, name of a variable that it computes from HF_ENDPOINT when it is imported, and how
ADDRESSES = [
    ("huggingface_hub.constants", "ENDPOINT", "{0}"),
    (
        "huggingface_hub.constants",
        "HUGGINGFACE_CO_URL_TEMPLATE",
        "{0}/{{repo_id}}/resolve/{{revision}}/{{filename}}",
    ),
    ("huggingface_hub.utils._git_credential", "ENDPOINT", "{0}"),
    ("datasets.config", "HF_ENDPOINT", "{0}"),
    (
        "datasets.config",
        "HUB_DATASETS_URL",
        "{0}/datasets/{{repo_id}}/resolve/{{revision}}/{{path}}",
    ),
    ("evaluate.config", "HF_ENDPOINT", "{0}"),
    ("evaluate.config", "HF_LIST_ENDPOINT", "{0}/api/spaces?filter={{type}}"),
    ("evaluate.config", "HUB_EVALUATE_URL", "{0}/spaces/{{path}}/resolve/{{revision}}/{{name}}"),
]
# clients that were made when their module was imported
APIS = [("huggingface_hub.hf_api", "api"), ("transformers.utils.hub", "_hf_api")]


def redirect_clients(environment: dict[str, str]) -> None:
    """Set HF_ENDPOINT and HF_TOKEN, and what imported libraries have made of them.

    The libraries read HF_ENDPOINT once, when they are imported; the token they read every time.
    `HfApi` and `HfFileSystem` objects that the caller has made keep the address they have.

    Raises `RuntimeError`, having changed nothing, when an imported library keeps its address in
    another place than the versions this package asks for: set the environment before the import.
    """
    url, changes = environment["HF_ENDPOINT"], list[tuple[Any, str, str]]()
    for name, variable, template in ADDRESSES:
        changes.append((sys.modules.get(name), variable, template.format(url)))
    for name, variable in APIS:
        module = sys.modules.get(name)
        changes.append((module and getattr(module, variable, module), "endpoint", url))
    changes = [change for change in changes if change[0] is not None]
    for owner, variable, _ in changes:
        if not hasattr(owner, variable):
            raise RuntimeError(
                f"{owner} has no {variable!r} to change: set HF_ENDPOINT={url} before it is "
                "imported, or use a version that this package asks for"
            )
    for owner, variable, value in changes:
        setattr(owner, variable, value)
    os.environ |= environment
    files = sys.modules.get("huggingface_hub.hf_file_system")
    if files:
        files.HfFileSystem.clear_instance_cache()  # it would hand out those made before
