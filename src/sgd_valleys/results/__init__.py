"""A finished run: its cells from Python, its data dictionary, its RO-Crate."""
