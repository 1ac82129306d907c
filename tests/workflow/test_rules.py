"""Every rule declares what it needs, and the files of the workflow are in order."""

import ast
import subprocess
import sys

import pytest
from helpers.checkout import ROOT, Checkout

UNPLANNED = {"all", "controls", "verify", "dictionary", "publish"}  # rules that no run needs: they have no output


def test_every_rule_declares_its_files_and_its_needs(bare: Checkout) -> None:
    rules = bare.rules()
    assert {name for name, rule in rules.items() if not rule["output"]} == UNPLANNED
    for name, rule in rules.items():
        if name not in UNPLANNED:
            for directive in ("code", "output", "log", "benchmark", "conda", "script"):
                assert rule[directive], (name, directive)
            assert {"mem_mb", "runtime"} <= rule["resources"].keys(), name


def test_every_rule_has_the_code_of_its_script_among_its_parameters(bare: Checkout) -> None:
    for name, rule in bare.rules().items():
        if name not in UNPLANNED:
            assert rule["script"] in rule["code"], name
            if rule["script"] == "workflow/scripts/figure.py":  # imports the module of the figure by name
                assert f"src/sgd_valleys/figures/{name}.py" in rule["code"]


@pytest.mark.parametrize("path", sorted((ROOT / "workflow" / "scripts").glob("*.py")), ids=lambda path: path.stem)
def test_the_first_line_of_a_script_describes_its_output(path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


@pytest.mark.slow
def test_snakefmt_and_the_linter_find_nothing(checkout: Checkout) -> None:
    snakefmt = [sys.executable, "-m", "snakefmt.snakefmt", "--check", "--config", ROOT / "pyproject.toml"]
    formatted = subprocess.run(
        [*snakefmt, "Snakefile", "workflow"], cwd=checkout.root, capture_output=True, encoding="utf-8", timeout=60
    )
    assert formatted.returncode == 0, formatted.stderr
    assert "Congratulations, your workflow is in a good condition!" in checkout.run("--lint", tiny=False)


def test_snakemake_looks_through_the_waiting_jobs_once_for_each_finished_job(checkout: Checkout) -> None:
    diagrams = [f"results/two_valley/phase_diagram_{name}.h5" for name in ("H", "H2")]
    shown = checkout.run(*diagrams, "--verbose", cores=1)
    assert shown.count("Finished jobid") == 6  # which takes longer than the second after which a limit would look again
    assert shown.count("Ready jobs: ") <= shown.count("Finished jobid")
