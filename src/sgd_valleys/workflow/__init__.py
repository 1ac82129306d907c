"""What the Snakemake workflow needs: file patterns, job settings, code dependencies, report helpers."""
