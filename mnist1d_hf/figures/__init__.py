"""The project's matplotlib style, and the pictures of the data.

`studies` may import this room; a study draws its own results with `style`.
"""

from mnist1d_hf.extras import require

require("studies", "matplotlib", "PIL")
