"""Pages for readers, in Markdown: cards, the reproduction report, the leaderboard, tables.

Made from results alone; imported by `training` (a model's card) and `hub` (what is published).
"""
