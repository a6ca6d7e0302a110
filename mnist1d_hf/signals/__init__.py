"""The generator: NumPy and SciPy only, no global state, no input or output."""
