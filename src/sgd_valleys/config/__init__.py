"""Check the configuration, and build its frozen objects: experiments, sweeps and runs."""
