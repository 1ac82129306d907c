"""Figures are drawn without the libraries that training needs."""

import subprocess
import sys

from helpers.checkout import ROOT
from helpers.tiny_run import FIGURES


def test_figures_need_none_of_the_heavy_libraries() -> None:
    imports = ", ".join(f"sgd_valleys.figures.{name}" for name in (*FIGURES, "appearance"))
    heavy = "{'torch', 'numba', 'sklearn', 'scipy', 'matplotlib.pyplot'}"
    code = f"import sys, {imports}; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], encoding="utf-8", cwd=ROOT / "src").strip() == "[]"
