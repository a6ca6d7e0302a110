"""Every test runs offline: own caches, no token, and no connection beyond loopback.

The Hub of the tests is the embedded one, on a port reserved here; it starts for the first test that
asks for it, and until then the port refuses connections at once.
"""

import importlib.util
import os
import socket
import sys
import tempfile
import time
import types
import warnings
from pathlib import Path

GUARD = Path(__file__).parent / "guard"
HOME = Path(tempfile.mkdtemp(prefix="mnist1d-tests-"))
NETWORK_LOG = HOME / "refused_connections.txt"
NETWORK_LOG.touch()
HUB_PORT = socket.socket()
HUB_PORT.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
HUB_PORT.bind(("127.0.0.1", 0))

# These variables are read when the libraries are imported, so they are set before any of them is.
for name in [n for n in os.environ if n.startswith(("HF_", "HUGGING", "TRANSFORMERS_"))]:
    del os.environ[name]
os.environ.update(
    MNIST1D_NETWORK_LOG=str(NETWORK_LOG),
    PYTHONPATH=os.pathsep.join([str(GUARD), *filter(None, [os.environ.get("PYTHONPATH")])]),
    HF_HOME=str(HOME / "hf"),
    HF_ENDPOINT=f"http://127.0.0.1:{HUB_PORT.getsockname()[1]}",
    HF_HUB_DISABLE_TELEMETRY="1",
    HF_HUB_DISABLE_PROGRESS_BARS="1",
    HF_HUB_DISABLE_UPDATE_CHECK="1",
    HF_UPDATE_DOWNLOAD_COUNTS="0",
    HF_HUB_DOWNLOAD_TIMEOUT="300",
    HF_HUB_ETAG_TIMEOUT="300",
    HF_XET_CLIENT_RETRY_MAX_ATTEMPTS="2",
    HF_XET_CLIENT_RETRY_BASE_DELAY="20ms",
    NO_PROXY="127.0.0.1,localhost",
    MPLBACKEND="agg",
    OMP_NUM_THREADS="1",
)
sys.path.insert(0, str(GUARD))
sys.modules.pop("sitecustomize", None)
import hypothesis  # noqa: E402
import pytest  # noqa: E402
import sitecustomize  # noqa: E402, F401  (installs the guard in this process)

# no result may depend on how busy the machine is
slow_is_fine = [hypothesis.HealthCheck.too_slow]
hypothesis.settings.register_profile("busy", deadline=None, suppress_health_check=slow_is_fine)
hypothesis.settings.load_profile("busy")

ROOT = Path(__file__).parents[1]


def pytest_unconfigure() -> None:
    HUB_PORT.close()


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def bubblewrap() -> None:
    """Skips a test where entries of the leaderboard cannot be run."""
    from mnist1d_hf.leaderboard.sandbox import SandboxError, check_bubblewrap

    try:
        check_bubblewrap()
    except SandboxError as error:
        pytest.skip(f"needs bubblewrap: {error}")


@pytest.fixture(scope="session")
def load_script():
    """A function from the name of a file in scripts/ to its module, without a process."""

    def load(name: str) -> types.ModuleType:
        spec = importlib.util.spec_from_file_location(f"{name}_script", ROOT / f"scripts/{name}.py")
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # where dataclasses look up annotations
        spec.loader.exec_module(module)
        return module

    return load


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


@pytest.fixture(scope="session")
def local_hub():
    """The embedded Hub of this test process."""
    from mnist1d_hf.localhub import LocalHub

    port = HUB_PORT.getsockname()[1]
    HUB_PORT.close()
    with LocalHub(port=port, keep_log=True) as hub:
        yield hub


@pytest.fixture(params=["xet", "lfs"])
def hub(request, local_hub, cache, tmp_path, monkeypatch):
    """An empty Hub with users alice (of acme) and bob, in both ways of transfer; we are alice.

    Waiting between attempts takes no time; `hub.sleeps` has the seconds that were asked for.
    """
    import datasets
    from huggingface_hub import HfFileSystem, constants, file_download
    from huggingface_hub.utils import _http

    # huggingface_hub 2.4 sends LFS files in a way its own HTTP library has deprecated
    warnings.filterwarnings("ignore", "Use 'content=", DeprecationWarning)
    assert constants.ENDPOINT == datasets.config.HF_ENDPOINT == local_hub.url
    local_hub.reset()
    local_hub.add_user("alice", "hf_alice", orgs=("acme",))
    local_hub.add_user("bob", "hf_bob")
    local_hub.sleeps = []
    clock = types.SimpleNamespace(**{**vars(time), "sleep": local_hub.sleeps.append})
    for module in (_http, file_download):
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setenv("HF_TOKEN", "hf_alice")
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", request.param == "lfs")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub_cache"))
    # the service that converts to Parquet has an address of its own, which does not exist here
    monkeypatch.setattr(datasets.config, "USE_PARQUET_EXPORT", False)
    HfFileSystem.clear_instance_cache()  # its listings outlive a test
    yield local_hub
    assert not local_hub.bugs, local_hub.bugs[0]
    leaks = [r for r in local_hub.log if r.path.startswith("/cdn") and "authorization" in r.headers]
    assert not leaks, "a token was sent to the storage origin"
