"""An embedded Hub: the API of the Hugging Face Hub on this machine, for trying out and for tests.

    hub = LocalHub().start()            # a free port of 127.0.0.1, everything in memory
    hub.connect(hub.add_user("alice"))  # the Hugging Face libraries of this process use it now

The real clients (`huggingface_hub`, `datasets`, `transformers`, `evaluate`, the `hf` command) then
create, push and load as they do on huggingface.co, by LFS or by Xet. The server starts on the
standard library alone; reading a card's YAML, a Parquet file's first rows and a Xet upload borrow
PyYAML, PyArrow, markdown-it and BLAKE3 when they are first needed.
"""

from mnist1d_hf.localhub.server import LocalHub as LocalHub
from mnist1d_hf.localhub.server import collect as collect
from mnist1d_hf.localhub.server import serve as serve
