"""An embedded Hub: the API of the Hugging Face Hub on this machine, for experiments and tests.

    hub = LocalHub().start()            # a free port of 127.0.0.1, everything in memory
    hub.connect(hub.add_user("alice"))  # the Hugging Face libraries of this process use it now

The real clients (`huggingface_hub`, `datasets`, `transformers`, `evaluate`, the `hf` command) then
create, push and load as they do on huggingface.co, by LFS or by Xet. No installable package does
this: olah and pulp only cache the Hub, and moto, respx and responses mock single requests. The
server needs only the standard library; card metadata, Parquet previews and Xet uploads need PyYAML,
PyArrow, markdown-it and BLAKE3, which are imported on first use.
"""

from mnist1d_hf.localhub.server import LocalHub as LocalHub
from mnist1d_hf.localhub.server import collect as collect
from mnist1d_hf.localhub.server import serve as serve
