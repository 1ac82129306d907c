"""Claims of the paper and their verdicts, from the arrays of the results files.

`statements.yaml` has the statements, and `verdict` has the rule that judges them. `landscape`, `noise`, `freezing`,
`branches`, `phase_diagram` and `two_valley` measure the effects. `controls` reads effects that a control has already
measured. `estimates` and `permutations` hold the shared statistics. `collect` reads the files and returns all claims.
`tables` formats the claims.
"""
