# Every target sets up what it needs, once: the stamp in .venv is older than the lock file or pyproject.toml only
# when something has to be installed again. PYTHON picks the interpreter (3.10 to 3.13) of a new .venv.
PYTHON ?= python3
VENV ?= .venv
JOBS ?= 2
PYTEST_ARGS ?=
BENCH ?= all

# Waiting OpenMP threads sleep instead of spinning: on a machine that does something else too, a step of the demo took
# more than three seconds instead of 0.6.
export OMP_WAIT_POLICY ?= PASSIVE

BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal

NEEDS_GPU := $(BIN)/python -c 'import sys, torch; sys.exit(None if torch.cuda.is_available() else "found no CUDA device; this needs one (what the driver says: nvidia-smi)")'

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast test-fuzz test-gpu startup-test check format bench bench-gpu docs install lock clean

help:  ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' Makefile
	@echo "Variables: PYTHON=$(PYTHON) VENV=$(VENV) JOBS=$(JOBS) PYTEST_ARGS='$(PYTEST_ARGS)' BENCH=$(BENCH)"

demo: $(STAMP)  ## Draw the built-in scenes, train and test on them, write work_dirs/.../report.html (experiment 0).
	$(BIN)/python run_experiments.py --exp 0

test: $(STAMP)  ## All tests: unit, stored reference cases, integration.
	$(PYTEST) $(PYTEST_ARGS)

test-fast: $(STAMP)  ## Unit tests only, without the stored reference cases.
	$(PYTEST) -m 'not slow and not startup and not fuzz' --ignore tests/parity/test_parity.py $(PYTEST_ARGS)

test-fuzz: $(STAMP)  ## Every reader and the check of configurations on 1,000 damaged inputs a kind.
	$(PYTEST) -m fuzz $(PYTEST_ARGS)

startup-test: $(STAMP)  ## Two iterations of every published setting; goes on where it stopped, ends with a table.
	$(PYTEST) -m startup tests/startup $(PYTEST_ARGS); code=$$?; $(BIN)/python -m tests.startup; exit $$code

test-gpu: $(STAMP)  ## What only a graphics card shows: tests marked gpu (on the CPU a tiny form of them is part of `make test`).
	@$(NEEDS_GPU)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -m gpu $(PYTEST_ARGS)

bench-gpu: $(STAMP)  ## Steps and tests at published sizes; writes a table and results.json into work_dirs/bench_gpu.
	@$(NEEDS_GPU)
	$(BIN)/python tools/benchmark.py card --out work_dirs/bench_gpu

check: $(STAMP)  ## Lint, formatting, types, style tests; changes nothing.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_style.py

format: $(STAMP)  ## Repair what ruff can repair.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP)  ## Side-by-side timings of this machine (BENCH=all|step|attention|...).
	$(BIN)/python tools/benchmark.py $(BENCH)

# The notice of the theme tells of its successor; docs/decisions.md does, too.
docs: $(STAMP)  ## Tables of docs/configuration.md, then the pages as a site in site/; REPO_URL=ADDRESS: where its links to source files lead.
	$(BIN)/python -m docs.making.reference
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

install: $(STAMP)  ## Only set up .venv.

# --no-deps: the lock file is complete.
$(STAMP): requirements.lock pyproject.toml setup.py
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "Found $$($(PYTHON) --version 2>&1), need Python 3.10 to 3.13; choose one with: make PYTHON=python3.11 ..."; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the locked requirements into $(VENV): once, a few minutes ..."
	$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps -r requirements.lock
	$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

lock:  ## Resolve requirements*.txt again into requirements.lock (all supported Pythons in one file).
	test -x build/lock/bin/uv || { $(PYTHON) -m venv build/lock && build/lock/bin/python -m pip install --quiet uv; }
	build/lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.10 --no-annotate \
		--no-emit-package typing --custom-compile-command 'make lock' \
		--output-file requirements.lock requirements.txt requirements-dev.txt requirements-docs.txt \
		requirements-export.txt requirements-cluster.txt

clean:  ## Remove caches and build products; keeps .venv, data and work_dirs.
	rm -rf build dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -type d -prune -exec rm -rf {} +
