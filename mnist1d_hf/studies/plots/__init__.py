"""The figures of each study: a module per study, `plot(result) -> Figure`.

The docstring of a function that draws a figure is its caption on the page of what holds. The first
sentence, also the text for those who do not see the picture, says what it shows; the others say
what lines, bands and marks are. What follows from it is for the rules to say.

Figures are functions of the result alone: these modules import `figures`, `evidence` and `rules`.
Changing a figure does not outdate any cell: they do not count for the digest of a study's sources.
"""
