"""The figures and panels of the paper, and the rules that compute them."""

LETTERS = {
    "1": "ABCDE", "2": "ABCDEFG", "2X": "ABCDEF", "3": "ABCD", "4": "ABCDE", "4X": "ABCDEF",
    "5": "ABCD", "6": "ABC", "6X": "ABCDEF", "C1": "ABCDEFGH", "C2": "ABCDEFGH", "C3": "ABCDEFG",
    "C4": "ABCDEF", "C5": "ABCDEFG", "C6": "ABCDEFGHIJKL", "C7": "ABCDEF", "C8": "ABCDEF", "C9": "ABCDEF",
    "S1": "AB", "S2": "ABCDEF", "S3": "ABC", "S4": "ABCD", "S5": "ABCDEFGHIJ", "S6": "AB",
}  # fmt: skip
MAP_FIGURES = {"fig2", "fig2X", "fig3", "figS1", "figS2", "figS3", "figS5"}  # read cell_maps.h5
BRANCH_FIGURES = {"fig4", "fig4X", "figS4"}
MODEL_FIGURES = {"fig5", "fig6", "fig6X", "figC9", "figS6"}
MNIST_FIGURES = {"fig1", "fig2", "fig2X", "fig3", "figS1", "figS2", "figS3"} | BRANCH_FIGURES
TRAINED_FIGURES = MNIST_FIGURES | {"figS5"}
CONTROL_FIGURES = {f"figC{k}" for k in range(1, 9)}
CONTROLS = CONTROL_FIGURES | {f"control_{name}" for name in CONTROL_FIGURES}
FIGURES = TRAINED_FIGURES | MODEL_FIGURES | CONTROL_FIGURES
SWEEP_ANALYSES = {"endpoints", "jaccard", "barriers", "paths", "freezing", "cell_maps"}
MEASURES = {
    "flatness",
    "layer_curvature",
    "edge_of_stability",
    "gradient_noise",
    "continuations",
}  # of stacks, in addition to the curvature
BRANCHES = {
    "branch", "branch_curvature", "branch_endpoints", "branch_basins", "branch_projection", "branch_statistics"
}  # fmt: skip
MODEL = {"phase_row", "phase_diagram", "occupancy", "model_control", "small_eta_limit", "fokker_planck", "theory"}
CLAIMS = {"claims", "claims_table"}
