"""Work that is shared by ranks 0 to W - 1, each of which knows nothing of the others."""

from dataclasses import dataclass

from mnist1d_hf.shards.job import ShardJob


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

    def run(self, rank: int, world_size: int) -> None:
        """Do one rank's share; the last rank to finish completes the dataset."""
        self.job.run(rank=rank, world_size=world_size, verify=self.verify, quiet=True)

    def unfinished(self, world_size: int) -> set[int]:
        """The ranks that have something left, from the files that are there.

        ValueError when the folder cannot be written or has shards of something else.
        """
        self.job.claim()
        if self.verify:
            return set(range(world_size))
        return {i % world_size for i in self.job.missing()}
