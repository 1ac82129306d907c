# Each target sets up what it needs on a bare machine with python3, pip and make.
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CORES ?= all

# the run that `make report` shows and `make adopt` adopts: results-preview after `make preview`
RESULTS ?= results

.PHONY: help preview paper report adopt test test-all test-slurm test-browser lint format bench clean

help: ## what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# the environment, brought in line when the pins change; without a pip of its own, since Debian's venv cannot make one
$(VENV)/.ready: pyproject.toml constraints.txt
	@PYTHONPATH=src $(PYTHON) -B -m sgd_valleys.workflow.places '$(VENV)'
	$(PYTHON) -m venv --without-pip $(VENV)
	$(PYTHON) -m pip --python $(BIN)/python install --quiet --editable '.[dev]' --constraint constraints.txt
	touch $@

preview: $(VENV)/.ready ## every figure at a reduced scale, in minutes
	$(BIN)/snakemake --cores $(CORES) --configfile config/preview.yaml --report-after-run --report results-preview/report.html
	@ls results-preview/figures/*.png results-preview/report.html

paper: $(VENV)/.ready ## the paper, at its full scale
	$(BIN)/snakemake --cores $(CORES) --report-after-run --report results/report.html

report: $(VENV)/.ready ## the report of a finished run, that of RESULTS=results-preview for example
	$(BIN)/snakemake --configfile $(RESULTS)/config.yaml --config 'results="$(RESULTS:/=)"' --report $(RESULTS:/=)/report.html

adopt: $(VENV)/.ready ## results copied without .snakemake: check each file, then record that it is up to date
	$(BIN)/snakemake --cores 1 verify --configfile $(RESULTS)/config.yaml --config 'results="$(RESULTS:/=)"'
	$(BIN)/snakemake --cores 1 --touch --forceall --quiet all --configfile $(RESULTS)/config.yaml --config 'results="$(RESULTS:/=)"'

PYTEST := $(BIN)/python -m pytest
# one process makes the tiny run while the others go on with unit tests
TESTERS ?= 2

test: $(VENV)/.ready ## unit tests, one tiny run from data to report and its checks: 5 minutes on two cores
	$(PYTEST) -n $(TESTERS) --dist worksteal -m "not slow"

test-all: $(VENV)/.ready ## every test without Slurm and without a browser: 10 minutes on two cores
	$(PYTEST) -n $(TESTERS) --dist worksteal

test-slurm: $(VENV)/.ready ## the workflow on a real Slurm, started here; needs root and apt-get, else skips
	tests/slurm/install.sh
	timeout -s INT -k 30 1500 $(PYTEST) -rs --durations=10 tests/slurm

test-browser: $(VENV)/.ready ## the pages in a real browser, a headless Chromium; needs one, or root and apt-get, else skips
	tests/browser/install.sh
	timeout -s INT -k 30 1500 $(PYTEST) -rs --durations=10 tests/browser

lint: $(VENV)/.ready ## style of the code and of the workflow
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

format: $(VENV)/.ready ## bring the code into that style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow

bench: $(VENV)/.ready ## speed, against this machine's limit and against the plain way
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/arms.py
	$(BIN)/python benchmarks/convolution.py
	$(BIN)/python benchmarks/curvature.py
	$(BIN)/python benchmarks/whole_network.py
	$(BIN)/python benchmarks/flatness.py
	$(BIN)/python benchmarks/langevin.py --threads 2

clean: ## remove the environment; results stay
	rm -rf $(VENV) .pytest_cache .ruff_cache
