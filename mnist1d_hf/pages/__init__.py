"""Markdown pages for readers: cards, the reproduction report, the leaderboard, tables.

They are generated from results. `training` (a model's card) and `hub` may import this room.
"""
