"""The figures of each study: a module per study, `plot(result) -> Figure`.

The docstring of a function that draws a figure is the caption of the figure on the page of what
holds. It begins with the message of the figure, and says what lines, bands and marks are.

Figures are functions of the result alone: these modules import `figures`, `evidence` and `rules`.
Changing a figure does not outdate any cell: they do not count for the digest of a study's sources.
"""
