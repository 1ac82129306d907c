"""From the configuration to frozen objects: experiments, sweeps, runs."""
