"""The generator: random numbers to signals, with NumPy and SciPy alone and no global state.

Every room may import it; it imports nothing of the package.
"""
