"""Work that is shared by ranks 0 to W - 1, each of which knows nothing of the others.

`run(rank, world_size)` does one rank's share and says whether that of all ranks is done now;
`unfinished(world_size)` tells, from the files of the work itself, which ranks have something left.
"""

import hashlib
import importlib
import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import typer

from mnist1d_hf.evidence.cells import CellsMissing
from mnist1d_hf.shards.folder import Folder
from mnist1d_hf.shards.job import ShardJob
from mnist1d_hf.signals.params import check_choice

PUSH_SECONDS = 30.0  # a machine that is lost has lost the cells of this long

# the names of all studies, known without importing one
FILES = (Path(__file__).parents[1] / "studies").glob("*.py")
STUDIES = tuple(sorted({path.stem for path in FILES} - {"__init__", "command"}))

# UsageError of the click inside typer, or of the one beside it
USAGE_ERROR: Any = typer.BadParameter.__bases__[0]


@dataclass(frozen=True)
class ShardRanks:
    """Shards of a dataset: rank r makes the shards r, r + W, ..."""

    job: ShardJob
    verify: bool = False
    name = "shards"

    @property
    def out(self) -> str:
        return self.job.out

    @property
    def key(self) -> str:
        return f"{self.job.config_name}-{self.job.key[:16]}"

    def run(self, rank: int, world_size: int) -> bool:
        self.job.run(rank=rank, world_size=world_size, verify=self.verify, quiet=True)
        return self.job.finish()

    def unfinished(self, world_size: int) -> set[int]:
        """ValueError when the folder cannot be written or has shards of something else."""
        self.job.claim()
        if self.verify:
            return set(range(world_size))
        return {i % world_size for i in self.job.missing()}


@dataclass(frozen=True)
class StudyRanks:
    """Cells of a study in one folder: rank r takes the share --shard r --num-shards W.

    `arguments` are those of `python -m mnist1d_hf.studies.<study>`. The folder may be on anything
    that fsspec reaches; cells are then copied here, and new ones there.
    """

    study: str
    arguments: tuple[str, ...]
    out: str
    name = "study"

    def __post_init__(self) -> None:
        object.__setattr__(self, "out", Folder(self.out).url)

    @property
    def main(self) -> Any:
        return study_main(self.study)

    @property
    def key(self) -> str:
        text = json.dumps([self.study, self.arguments])
        return f"{self.study}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def run(self, rank: int, world_size: int) -> bool:
        """Run the cells of one rank; whether those of all ranks are there, and so the result.

        Raises ValueError when the study refuses its arguments, and what a cell raises.
        """
        main = self.main
        with self._here() as out:
            share = ["--out", str(out), "--shard", str(rank), "--num-shards", str(world_size)]
            try:
                main(args=[*self.arguments, *share], standalone_mode=False)
            except SystemExit as end:
                if isinstance(end.__cause__, CellsMissing):
                    return False
                raise end.__cause__ or end from None
        return True

    def check(self) -> None:
        """ValueError for an unknown study or option, and a folder that cannot be written."""
        command = typer.main.get_command(self.main.app)
        try:
            command.make_context(self.study, list(self.arguments))
        except USAGE_ERROR as error:
            raise ValueError(f"study {self.study}: {error.format_message()}") from error
        Folder(self.out).check_writable()

    def unfinished(self, world_size: int) -> set[int]:
        """All ranks: which cells there are is known to the study alone, when it runs."""
        return set(range(world_size))

    def count(self) -> int:
        """Cells that are there."""
        return len(self._cells())

    def _cells(self) -> list[str]:
        sizes = Folder(self.out).sizes()
        return [n for n in sizes if n.startswith(f"results/{self.study}/") and n.endswith(".json")]

    @contextmanager
    def _here(self) -> Iterator[Path]:
        """The folder on this machine, or a copy that is sent back, every now and then and last."""
        folder = Folder(self.out)
        if folder.local:
            yield Path(folder.root)
            return
        with TemporaryDirectory(prefix="mnist1d-") as directory:
            here, there = Path(directory), set(self._cells())
            for name in there:
                folder.fetch(name, here / name)

            def push() -> None:
                for path in sorted(here.rglob("*.*")):
                    name = path.relative_to(here).as_posix()
                    if name not in there and path.is_file() and not path.name.startswith("."):
                        with folder.writing(name) as copy:
                            shutil.copyfile(path, copy)
                        there.add(name)

            def push_on() -> None:
                while not ended.wait(PUSH_SECONDS):
                    push()

            ended = threading.Event()
            thread = threading.Thread(target=push_on, daemon=True)
            thread.start()
            try:
                yield here
            finally:
                ended.set()
                thread.join()
                push()


def study_main(name: str) -> Any:
    """The command line of a study; ValueError, with all names, when there is no such study."""
    check_choice("study", name, STUDIES)
    return importlib.import_module(f"mnist1d_hf.studies.{name}").main
