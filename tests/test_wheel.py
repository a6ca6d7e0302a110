"""What a user installs: the built wheel."""

import subprocess
import sys
import tomllib
import zipfile
from email import message_from_bytes

import mnist1d_hf


def test_the_wheel_holds_the_package_whole(root, tmp_path):
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path)]
    done = subprocess.run([*build, str(root)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        inside = {name for name in wheel.namelist() if ".dist-info/" not in name}
        info = f"mnist1d_hf-{mnist1d_hf.__version__}.dist-info"
        metadata = message_from_bytes(wheel.read(f"{info}/METADATA"))
        commands = wheel.read(f"{info}/entry_points.txt").decode()
        assert f"{info}/licenses/LICENSE" in wheel.namelist()
    package = root / "mnist1d_hf"
    files = {
        file.relative_to(root).as_posix()
        for file in package.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert inside == files and "mnist1d_hf/py.typed" in inside
    assert metadata["Version"] == mnist1d_hf.__version__
    assert metadata["License-Expression"] == "Apache-2.0"
    urls = tomllib.loads((root / "pyproject.toml").read_text())["project"]["urls"]
    assert metadata.get_all("Project-URL") == [f"{name}, {url}" for name, url in urls.items()]
    assert "mnist1d-hf = mnist1d_hf.cli:app" in commands
