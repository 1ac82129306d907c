"""What the paper states, beside what was measured: arrays go in, claims with a verdict come out.

`rules` has the claim and the one rule that judges it; `landscape`, `sweep`, `branches` and `two_valley` have the
claims, a ``collect`` for each group of results files, and one function for each number.
"""
