"""The shards of a dataset as work for independent ranks 0 to W - 1."""

from dataclasses import dataclass

from mnist1d_hf.shards.job import ShardJob


@dataclass(frozen=True)
class ShardRanks:
    """The work of a shard job: rank r of W generates the shards r, r + W, r + 2 W, ..."""

    job: ShardJob
    verify: bool = False
    name = "shards"

    @property
    def out(self) -> str:
        """The output folder of the job."""
        return self.job.out

    @property
    def key(self) -> str:
        """A name for the work that depends on the whole description of the dataset."""
        return f"{self.job.config_name}-{self.job.key[:16]}"

    def run(self, rank: int, world_size: int) -> None:
        """Generate the shards of one rank; the last rank to finish writes the manifest."""
        self.job.run(rank=rank, world_size=world_size, verify=self.verify, quiet=True)

    def unfinished(self, world_size: int) -> set[int]:
        """The ranks with missing shards, according to the files in the folder.

        Raises ValueError when the folder cannot be written or has shards of another dataset.
        """
        self.job.claim()
        if self.verify:
            return set(range(world_size))
        return {i % world_size for i in self.job.missing()}
