"""Claims of the paper and their verdicts, from the arrays of the results files.

`verdict` defines a claim and the one rule that judges it. `landscape`, `noise`, `freezing`, `branches`,
`phase_diagram` and `two_valley` hold the claims, with one function for each number; `estimates` holds the statistics
that they share. `collect` reads the files and gives all claims by section; `tables` shows them.
"""
