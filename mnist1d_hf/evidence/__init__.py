"""What was measured: results with their provenance, cells, published values, claims, and cost.

No torch and no plotting. Most rooms that run, judge or show something import it.
"""
