"""Image data sets: description, download, verification and reading."""
