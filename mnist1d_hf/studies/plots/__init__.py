"""The figures of each study: a module per study, `plot(result) -> Figure`.

Figures are functions of the result alone: these modules import `figures`, `evidence` and `rules`.
Changing a figure does not outdate any cell: they do not count for the digest of a study's sources.
"""
