"""Generation of all shards of a dataset, by any number of processes on any number of machines.

    params = SignalParams(stream="counter", num_samples=10**8)
    job = ShardJob("default", params, num_shards=64, out="s3://bucket/big")
    job.run(rank=0, world_size=8, workers=4)    # and ranks 1 to 7 elsewhere, now or later

writes `big/default/train-00000-of-00051.parquet` and so on, which `datasets.load_dataset` reads. A
shard's bytes depend only on the parameters, its position and the version of PyArrow: not on ranks,
workers, their order, earlier interruptions or the time.

Each shard has a record, `.shards/<name>.json`, which is written after it: a shard without a record
is generated again. The first rank that finds all shards complete writes `manifest.json`. datatrove
can start the ranks (see `engines`), but neither it nor `datasets` resumes a partly written dataset
with verified files and identical bytes.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pyarrow as pa
from tqdm.auto import tqdm

from mnist1d_hf.data.columns import OPTIONS, changed_columns
from mnist1d_hf.data.identity import digest
from mnist1d_hf.data.mnist1d import TEMPLATES
from mnist1d_hf.data.parquet import write_row_groups
from mnist1d_hf.files import sha256
from mnist1d_hf.shards.folder import Folder
from mnist1d_hf.shards.plan import Shard, builder, hash_columns, plan_shards, shard_tables
from mnist1d_hf.signals.counter import BLOCK, TEST_START
from mnist1d_hf.signals.generate import make_range
from mnist1d_hf.signals.params import CONFIGS, SignalParams, check_integer
from mnist1d_hf.workers import Stopped, call_in_processes

MANIFEST = "manifest.json"
CLAIM = ".shards/job.json"
PROGRESS_DELAY = 5  # seconds


@dataclass(frozen=True)
class ShardJob:
    """All shards of one dataset, in the folder `<out>/<config_name>`.

    `latents` and `posterior` add columns, as in `Mnist1DConfig`. Posteriors are computed with a
    matrix library, so that their last digits may differ between machines.

    Raises ValueError for an unknown config, an address that fsspec does not know, columns that
    cannot be made, and in the cases of `plan_shards`. Nothing is generated or written on
    construction.
    """

    config_name: str
    params: SignalParams
    num_shards: int
    out: str  # a folder, or anything that fsspec knows
    latents: bool = False
    posterior: bool = False

    def __post_init__(self) -> None:
        if self.config_name not in CONFIGS:
            hint = "; it has ten rows: use generate" if self.config_name == TEMPLATES else ""
            names = ", ".join(CONFIGS)
            raise ValueError(f"config {self.config_name!r}: must be one of {names}{hint}")
        object.__setattr__(self, "out", Folder(self.out).url)
        assert len(self.plan) == self.num_shards
        builder(self.params, self.columns)

    @cached_property
    def plan(self) -> list[Shard]:
        """The shards in the order of their numbers."""
        return plan_shards(self.params, self.num_shards)

    @property
    def columns(self) -> dict[str, bool]:
        """The columns beside x and label that were asked for."""
        return {"latents": self.latents, "posterior": self.posterior}

    @cached_property
    def folder(self) -> Folder:
        """The folder of the shards, `<out>/<config_name>`."""
        return Folder(f"{self.out.rstrip('/')}/{self.config_name}")

    @cached_property
    def job(self) -> dict[str, Any]:
        """A description of the dataset, which all shards of a folder must share.

        The digests of the first blocks identify the generator: a different version, or a processor
        on which NumPy's last digits differ, has different digests and must not add shards.
        """
        first = [make_range(self.params, start, start + BLOCK) for start in (0, TEST_START)]
        job = {
            "config": self.config_name,
            "params": vars(self.params),
            "num_shards": self.num_shards,
            "first_blocks": [digest(values) for block in first for values in block],
            **{name: True for name, chosen in self.columns.items() if chosen},
        }
        return json.loads(json.dumps(job))  # as it will be read back: tuples are lists in JSON

    @cached_property
    def key(self) -> str:
        """SHA-256 of `job`, as hexadecimal digits."""
        return hashlib.sha256(json.dumps(self.job, sort_keys=True).encode()).hexdigest()

    def run(
        self,
        *,
        rank: int = 0,
        world_size: int = 1,
        workers: int = 1,
        verify: bool = False,
        quiet: bool = False,
    ) -> list[str]:
        """Generate the missing shards of one rank; the last rank to finish writes the manifest.

        Args:
            rank: this rank generates the shards rank, rank + world_size, ...
            world_size: number of ranks.
            workers: number of processes.
            verify: whether to compare the SHA-256 of existing shards, not only their sizes.
            quiet: whether to show no progress bar.

        Returns:
            The names of the generated files.

        Raises:
            ValueError: before any work, for an invalid rank or number of workers, and for a folder
                that belongs to other parameters or cannot be written.
            Stopped: the disk is full, or a worker process died.
        """
        check_integer("world_size", world_size, 1, float("inf"))
        check_integer("rank", rank, 0, world_size - 1, "the most is world_size - 1")
        check_integer("workers", workers, 1, float("inf"))
        if workers > 1 and self.out.startswith("memory:"):
            raise ValueError(f"workers={workers}: {self.out} is memory of one process; use 1")
        again = "the shards that are done stay, and the same command continues"
        try:
            self.claim()
            todo = self.missing(rank=rank, world_size=world_size, verify=verify)
            self._forget(todo)
            self._make_all(todo, workers, quiet)
            self.finish()
        except BrokenProcessPool as error:
            died = "a worker process died, killed or out of memory"
            raise Stopped(f"{died}; {again}") from error
        except OSError as error:
            why = f"output folder {self.folder.url}: {error.strerror or error}"
            raise Stopped(f"{why}; {again} when this is mended") from error
        return [self.plan[i].file for i in todo]

    def claim(self) -> None:
        """Reserve the folder for this job; ValueError if it is not writable or has other data."""
        self.folder.check_writable()
        claim, sizes = self.folder.read_json(CLAIM), self.folder.sizes()
        parquet = {name for name in sizes if name.endswith(".parquet")}
        if claim == self.job:
            if stray := sorted(parquet - {part.file for part in self.plan}):
                raise ValueError(
                    f"output folder {self.folder.url} holds {stray[0]}, which is none of its "
                    "shards and would be read with them; move that file away"
                )
            return
        if isinstance(claim, dict):
            there, here = ({**job, **job.get("params", {})} for job in (claim, self.job))
            names = [k for k in there if k not in ("params", "first_blocks", *OPTIONS)]
            other = [f"{k}={there[k]!r}" for k in names if there[k] != here.get(k)]
            other += changed_columns(there, here)
            generator = "another version of the generator, or from another kind of processor"
            raise self._refusal(f"shards of {', '.join(other) or generator}")
        ours = {part.file for part in self.plan if self.record(part, sizes)}
        foreign = sorted(parquet - ours)
        if MANIFEST in sizes and not ours:
            foreign.append(MANIFEST)
        if foreign:
            raise self._refusal(f"other data ({foreign[0]})")
        self.folder.write_json(CLAIM, self.job)

    def missing(self, *, rank: int = 0, world_size: int = 1, verify: bool = False) -> list[int]:
        """Numbers of the shards of a rank that are missing or damaged; arguments as in `run`."""
        sizes = self.folder.sizes()
        missing = []
        for i in range(rank, self.num_shards, world_size):
            part = self.plan[i]
            record = self.record(part, sizes)
            if not record or (verify and self.folder.sha256(part.file) != record["sha256"]):
                missing.append(i)
        return missing

    def make(self, i: int, advance: Callable[[int], Any] = lambda rows: None) -> None:
        """Write shard `i` and its record, calling `advance(n)` whenever n more rows are done."""
        part = self.plan[i]
        hashes: dict[str, Any] = {}

        def watched() -> Iterator[pa.Table]:
            for table in shard_tables(self.params, part, self.columns, advance):
                yield table
                hash_columns(table, hashes)

        with self.folder.writing(part.file) as path:
            write_row_groups(watched(), path)
            facts = {
                "rows": part.rows,
                "bytes": path.stat().st_size,
                "sha256": sha256(path),
                "arrow": {column: sha.hexdigest() for column, sha in hashes.items()},
            }
        self.folder.write_json(part.record, {"key": self.key, "file": facts})

    def finish(self) -> bool:
        """Write the manifest if every shard is complete; returns whether that is the case.

        The manifest holds the job, the number of rows of each split, and for each file its rows,
        bytes, SHA-256 and `arrow`: the SHA-256 of each column's values (little-endian), which does
        not depend on Parquet or the version of PyArrow.
        """
        sizes = self.folder.sizes()
        if any(part.record not in sizes for part in self.plan):
            return False
        files = {part.file: self.record(part, sizes) for part in self.plan}
        if None in files.values():
            return False
        rows: dict[str, int] = {}
        for part in self.plan:
            rows[part.split] = rows.get(part.split, 0) + part.rows
        manifest = {**self.job, "rows": rows, "files": files}
        if self.folder.read_json(MANIFEST) != manifest:
            self.folder.write_json(MANIFEST, manifest)
        for name in sizes:  # temporary files of killed runs
            if name.rpartition("/")[2].startswith(".") and name.endswith(".tmp"):
                self.folder.remove(name)
        return True

    def record(self, part: Shard, sizes: dict[str, int]) -> dict[str, Any] | None:
        """The manifest's entry for a shard, or None when the shard is missing or incomplete.

        `sizes` are those of the folder's files. Raises ValueError when the shard was generated with
        other parameters.
        """
        record = self.folder.read_json(part.record) if part.record in sizes else None
        if not isinstance(record, dict) or record.keys() != {"key", "file"}:
            return None
        if record["key"] != self.key:
            raise self._refusal(f"shards made with other parameters ({part.record})")
        return record["file"] if record["file"]["bytes"] == sizes.get(part.file) else None

    def _forget(self, todo: list[int]) -> None:
        """Remove the records of the shards to generate, and the manifest."""
        sizes = self.folder.sizes() if todo else {}
        for name in [*(self.plan[i].record for i in todo), MANIFEST]:
            if name in sizes:
                self.folder.remove(name)

    def _make_all(self, todo: list[int], workers: int, quiet: bool) -> None:
        total = sum(self.plan[i].rows for i in todo)
        with tqdm(total=total, unit="row", delay=PROGRESS_DELAY, disable=quiet) as progress:
            if workers == 1 or len(todo) < 2:
                for i in todo:
                    self.make(i, progress.update)
            else:
                make = replace(self).make  # a copy has no open folder, so each process opens it
                for i, _ in call_in_processes(make, todo, workers):
                    progress.update(self.plan[i].rows)

    def _refusal(self, what: str) -> ValueError:
        return ValueError(
            f"output folder {self.folder.url} holds {what}; choose another or remove this one"
        )
