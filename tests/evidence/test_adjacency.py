"""Shares of neighbours, and what chance makes of them."""

import itertools

import numpy as np
import pytest

from mnist1d_hf.evidence.adjacency import adjacency, chance, permuted


def test_chances_of_neighbours_are_exact():
    expected = np.mean([set(window) <= set(kept) for kept in itertools.combinations(range(6), 4)
                        for window in [(2, 3, 4)]])  # fmt: skip
    assert chance(4, 6, 3) == pytest.approx(expected)
    assert chance(np.array([1, 6]), 6, 2).tolist() == [0, 1]


def test_windows_are_all_counted():
    left = np.zeros((2, 40), dtype=int)
    left[0, :5] = 1  # four pairs, three triples, two fours
    found = adjacency(left)
    assert found["share"] == pytest.approx([4 / 39 / 2, 3 / 38 / 2, 2 / 37 / 2])
    assert found["within units"][0] == pytest.approx(5 * 4 / (40 * 39) / 2)
    assert found["at random"][0] == pytest.approx(5 * 4 / (80 * 79))


def test_permuting_finds_neighbours_beyond_chance_and_none_where_there_are_none():
    rng = np.random.default_rng(1)
    scattered = rng.permuted(np.arange(40) < 4, axis=0) * np.ones((2, 50, 1), int)
    scattered = rng.permuted(scattered, axis=2)
    together = np.stack([np.roll(np.arange(40) < 4, shift) for shift in range(30)])[None]
    found = permuted(together.astype(int), 200)
    assert found["p"][0] == pytest.approx(1 / 201) and found["share"][0] == pytest.approx(3 / 39)
    drawn = permuted(scattered, 400)
    assert min(drawn["p"]) > 0.025
    exact = chance(4, 40, 2)  # the permutations have the exact expectation
    assert drawn["mean"][0] == pytest.approx(exact, abs=4 * drawn["std"][0] / 20)
