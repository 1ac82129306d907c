"""HDF5 files: written whole or not at all, self-describing, with checksums and provenance."""
