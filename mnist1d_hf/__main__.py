"""`python -m mnist1d_hf` is the command `mnist1d-hf`."""

from mnist1d_hf.cli import app

app(prog_name="mnist1d-hf")
