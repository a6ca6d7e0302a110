"""What was measured: results with their provenance, cells, published values, claims, and cost.

No torch and no plotting; imported by `studies`, `figures` and `pages`.
"""
