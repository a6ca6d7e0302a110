"""Ranks: each does its share, knows nothing of the others, and leaves what it has done."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
from matplotlib.figure import Figure

from mnist1d_hf import SignalParams
from mnist1d_hf.shards.folder import Folder
from mnist1d_hf.shards.job import ShardJob
from mnist1d_hf.shards.ranks import ShardRanks, StudyRanks, study_main
from mnist1d_hf.studies.command import command

# a study of two stages ------------------------------------------------------------------------


@dataclass(frozen=True)
class Args:
    numbers: Annotated[int, "how many"] = 4

    @classmethod
    def at(cls, scale):
        return cls()


def double(number):
    if number == 13:
        raise RuntimeError("thirteen")
    return 2 * number


def add_one(number):
    return number + 1


def run(args, cells):
    if args.numbers > 20:
        raise ValueError(f"numbers={args.numbers}: at most 20")
    doubled = cells.run(double, [{"number": number} for number in range(args.numbers)])
    return {"found": cells.run(add_one, [{"number": number} for number in doubled])}


toy = command(Args, run, lambda result: Figure())


@dataclass(frozen=True)
class ToyRanks(StudyRanks):
    main = toy


def study(out, *arguments):
    return ToyRanks("test_shards_ranks", arguments, str(out))


def test_shards_ranks_share_the_cells_and_the_last_one_has_the_result(tmp_path):
    work = study(tmp_path)
    assert [work.run(0, 2), work.count()] == [False, 2]
    assert [work.run(1, 2), work.count()] == [False, 6]  # all of one stage, its share of the next
    assert work.unfinished(2) == {0, 1}
    assert [work.run(0, 2), work.count()] == [True, 8]
    result = json.loads((tmp_path / "results" / "test_shards_ranks.json").read_text())
    assert result["found"] == [1, 3, 5, 7]
    assert (tmp_path / "figures" / "test_shards_ranks.png").exists()


def test_cells_on_another_file_system_are_fetched_and_sent_back(tmp_path):
    there = Folder(f"memory:/{tmp_path}")
    work = study(there.url, "--numbers", "3")
    assert [work.run(1, 2), work.count()] == [False, 1]
    before = {name: there.fs.created(there._path(name)) for name in there.sizes()}
    assert [work.run(0, 1), work.count()] == [True, 6]
    made = {"results/test_shards_ranks.json", "figures/test_shards_ranks.png"}
    assert made <= there.sizes().keys()
    assert before.items() <= {n: there.fs.created(there._path(n)) for n in before}.items()


def test_a_cell_that_fails_leaves_the_others_there(tmp_path):
    work = study(f"memory:/{tmp_path}", "--numbers", "14")
    with pytest.raises(RuntimeError, match="double failed in cell .*13"):
        work.run(0, 1)
    assert work.count() == 13


def test_what_a_study_refuses_is_refused(tmp_path):
    with pytest.raises(ValueError, match="numbers=21: at most 20"):
        study(tmp_path, "--numbers", "21").run(0, 1)
    with pytest.raises(ValueError, match="No such option.*--nombers"):
        study(tmp_path, "--nombers", "3").check()
    with pytest.raises(ValueError, match="Invalid value for '--numbers'"):
        study(tmp_path, "--numbers", "two").check()
    Path(tmp_path, "file").touch()
    with pytest.raises(ValueError, match="choose another"):
        study(tmp_path / "file" / "below").check()
    study(tmp_path, "--numbers", "2").check()


def test_an_unknown_study_is_answered_with_all_names():
    with pytest.raises(ValueError, match="'poling': must be one of .*lottery_tickets.* pooling"):
        study_main("poling")


def test_another_order_of_study_is_other_work(tmp_path):
    assert study(tmp_path).key == study(tmp_path / "elsewhere").key
    assert study(tmp_path).key != study(tmp_path, "--numbers", "3").key


def test_shards_know_which_ranks_have_something_left(tmp_path):
    params = SignalParams(stream="counter", num_samples=5000)
    work = ShardRanks(ShardJob("default", params, 5, str(tmp_path)))
    assert work.unfinished(3) == {0, 1, 2}
    assert not work.run(0, 3)
    assert not work.run(2, 3)
    assert work.unfinished(3) == {1}
    assert work.run(1, 3)
    assert work.unfinished(3) == set()
    assert ShardRanks(work.job, verify=True).unfinished(3) == {0, 1, 2}
    other = ShardRanks(ShardJob("default", params, 4, str(tmp_path)))
    with pytest.raises(ValueError, match="holds shards of num_shards=5"):
        other.unfinished(2)
