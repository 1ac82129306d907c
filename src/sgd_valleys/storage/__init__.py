"""Self-describing HDF5 files, written atomically, with checksums and provenance."""
