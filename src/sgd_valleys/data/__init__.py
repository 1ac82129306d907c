"""Image data sets: where they come from, how they are verified and read."""
