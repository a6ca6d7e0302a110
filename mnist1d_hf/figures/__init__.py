"""Everything that is drawn: the one matplotlib style, and the pictures of the data.

Imported by `studies` and `space`; a study draws its own results with `style`.
"""

from mnist1d_hf.extras import require

require("studies", "matplotlib", "PIL")
