"""Controls C1 to C8, which separate the paper's mechanism from its rivals.

Each control has one module with its headline numbers: C1 `learning_rate`, C2 `noise_shape`, C3 `arms`,
C4 `flatness_senses`, C5 `valleys`, C6 `basin_times`, C7 `starts` and C8 `schedules`.
"""
