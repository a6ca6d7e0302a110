"""The leaderboard's referee: an entry's code is run on data that did not exist when it was sent.

`tracks` says what is measured, `draws` makes the data, `sandbox` and `runner` run an entry where it
can reach neither the network nor the test labels, `referee` scores it, and `records` keeps what is
needed to run it again. A model that was trained elsewhere is fetched by `checkpoints`, and
`stand_in` runs in the place of its training. Imported by `pages` and scripts.
"""
