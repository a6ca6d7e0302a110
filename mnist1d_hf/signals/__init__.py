"""The generator of signals and their exact density, with NumPy and SciPy and no global state.

Every room may import it; it imports nothing of the package.
"""
