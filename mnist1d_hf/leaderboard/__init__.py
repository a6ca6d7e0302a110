"""The leaderboard's referee: an entry's code is run on data that did not exist when it was sent.

`tracks` says what is measured, `draws` makes the data, `sandbox` and `runner` run an entry where it
can reach neither the network nor the test labels, `referee` scores it, and `records` keeps what is
needed to run it again. Imported by `pages` and scripts.
"""
