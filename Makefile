# Each target installs its own requirements on a machine with python3, pip and make.
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP = $(PYTHON) -m pip --python $(BIN)/python install --quiet
CORES ?= all

# the results folder for `make report` and `make adopt`: results-preview after `make preview`
RESULTS ?= results

# the build of PyTorch: `default` is that of PyPI, on Linux with CUDA; `cpu` is smaller
TORCH ?= default
TORCH_INDEX := https://download.pytorch.org/whl/cpu
ifeq ($(filter $(TORCH),default cpu),)
$(error TORCH = $(TORCH): unknown build of PyTorch; allowed are cpu and default; write `make TORCH=cpu ...`)
endif

.PHONY: help preview paper report adopt docs test test-all test-slurm test-browser lint format bench clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# the environment, updated when the pins change; without pip, since Debian's venv cannot install it
$(VENV)/.ready: pyproject.toml constraints.txt
	@PYTHONPATH=src $(PYTHON) -B -m sgd_valleys.workflow.places '$(VENV)'
	$(PYTHON) -m venv --without-pip $(VENV)
ifeq ($(TORCH),cpu)
	$(PIP) --no-deps $(shell grep -E '^torch(vision)?==' constraints.txt) --index-url $(TORCH_INDEX)
endif
	$(PIP) --editable '.[dev]' --constraint constraints.txt
	touch $@

$(VENV)/.docs: $(VENV)/.ready
	$(PIP) --editable '.[docs]' --constraint constraints.txt
	touch $@

preview: $(VENV)/.ready ## make every figure at a reduced scale, in minutes
	$(BIN)/snakemake --cores $(CORES) --configfile config/preview.yaml --report-after-run --report results-preview/report.html
	@ls results-preview/figures/*.png results-preview/report.html

paper: $(VENV)/.ready ## reproduce the paper at full scale
	$(BIN)/snakemake --cores $(CORES) --report-after-run --report results/report.html

report: $(VENV)/.ready ## make the report of a finished run, by default of RESULTS=results
	$(BIN)/snakemake --configfile $(RESULTS)/config.yaml --config 'results="$(RESULTS:/=)"' --report $(RESULTS:/=)/report.html

adopt: $(VENV)/.ready ## check results that were copied without .snakemake, then record them as up to date
	$(BIN)/snakemake --cores 1 verify --configfile $(RESULTS)/config.yaml --config 'results="$(RESULTS:/=)"'
	$(BIN)/snakemake --cores 1 --touch --forceall --quiet all --configfile $(RESULTS)/config.yaml --config 'results="$(RESULTS:/=)"'

docs: $(VENV)/.docs ## build the documentation in site/: open site/index.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

PYTEST := $(BIN)/python -m pytest
# one process makes the tiny run while the others run unit tests
TESTERS ?= 2

test: $(VENV)/.ready ## run unit tests and one tiny run from data to report with checks: 5 minutes on two cores
	$(PYTEST) -n $(TESTERS) --dist worksteal -m "not slow"

test-all: $(VENV)/.ready ## run every test without Slurm and without a browser: 10 minutes on two cores
	$(PYTEST) -n $(TESTERS) --dist worksteal

test-slurm: $(VENV)/.ready ## test the workflow on a local Slurm; needs root and apt-get, else skips
	tests/slurm/install.sh
	timeout -s INT -k 30 1500 $(PYTEST) -rs --durations=10 tests/slurm

test-browser: $(VENV)/.ready ## test the pages in headless Chromium; needs Chromium, or root and apt-get, else skips
	tests/browser/install.sh
	timeout -s INT -k 30 1500 $(PYTEST) -rs --durations=10 tests/browser

lint: $(VENV)/.ready docs ## check code style, workflow style, types and documentation links
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint
	$(BIN)/mypy

format: $(VENV)/.ready ## format the code and generate the schema for editors
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow
	$(BIN)/python -m sgd_valleys.config.editor_schema > workflow/schemas/editor.schema.json

bench: $(VENV)/.ready ## measure the speed against this machine's limit and a peer: 15 minutes
	$(BIN)/python benchmarks/all.py

clean: ## remove the environment and the built documentation, and keep results
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache site
