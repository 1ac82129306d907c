"""Network architectures, their initialization, and their linearization in one layer's weights."""
