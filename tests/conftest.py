"""Every test runs offline: own caches, no token, and no connection beyond loopback."""

import os
import sys
import tempfile
from pathlib import Path

GUARD = Path(__file__).parent / "guard"
HOME = Path(tempfile.mkdtemp(prefix="mnist1d-tests-"))
NETWORK_LOG = HOME / "refused_connections.txt"
NETWORK_LOG.touch()

# These variables are read when the libraries are imported, so they are set before any of them is.
for name in [n for n in os.environ if n.startswith(("HF_", "HUGGING", "TRANSFORMERS_"))]:
    del os.environ[name]
os.environ.update(
    MNIST1D_NETWORK_LOG=str(NETWORK_LOG),
    PYTHONPATH=os.pathsep.join([str(GUARD), *filter(None, [os.environ.get("PYTHONPATH")])]),
    HF_HOME=str(HOME / "hf"),
    HF_ENDPOINT="http://127.0.0.1:9",  # a closed port: an attempt to use the Hub fails at once
    HF_HUB_DISABLE_TELEMETRY="1",
    HF_HUB_DISABLE_PROGRESS_BARS="1",
    HF_HUB_DISABLE_UPDATE_CHECK="1",
    HF_UPDATE_DOWNLOAD_COUNTS="0",
    NO_PROXY="127.0.0.1,localhost",
    MPLBACKEND="agg",
    OMP_NUM_THREADS="1",
)
sys.path.insert(0, str(GUARD))
sys.modules.pop("sitecustomize", None)
import pytest  # noqa: E402
import sitecustomize  # noqa: E402, F401  (installs the guard in this process)

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(autouse=True)
def no_network():
    """Fail a test that tried to leave the machine, even when the library hid the refusal."""
    before = NETWORK_LOG.stat().st_size
    yield
    with NETWORK_LOG.open() as log:
        log.seek(before)
        refused = log.read()
    assert not refused, f"connections beyond loopback were attempted:\n{refused}"


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty datasets cache, in this process and in its children."""
    import datasets

    path = tmp_path / "datasets_cache"
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", path)
    monkeypatch.setenv("HF_DATASETS_CACHE", str(path))
    return path
