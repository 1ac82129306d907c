"""Provide the Snakemake workflow with file patterns, job settings, code dependencies, costs and report texts."""
