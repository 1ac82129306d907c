"""The results of a finished run: access to cells in Python, data dictionary, RO-Crate and verification."""
