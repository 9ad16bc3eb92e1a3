# `make help` lists the targets. Everything lives in .venv; PYTHON chooses its interpreter.
PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3.11)
VENV := .venv
BIN := $(VENV)/bin
ENVLIFT := $(BIN)/python -m envlift.cli
STAMP := $(VENV)/.envlift-setup
WORKERS ?= 2
CODEX := 0.169.0
RUST := 1.88
SOURCES := src tests $(wildcard examples) scripts

.DEFAULT_GOAL := help
.PHONY: help setup gameboy demo test rust codex libraries lint lint-types lint-rest format bench cards figures docs lock dist release clean python

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP)  ## Create .venv and install the locked dependencies (quick the second time)

$(STAMP): requirements.lock pyproject.toml
	@$(MAKE) --no-print-directory python
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(MAKE) --no-print-directory gameboy
	@touch $@

# Without Rust everything else still works; `envlift.make_vec("gameboy")` then says what is missing.
gameboy:  ## Build the Game Boy's compiled package (crates/) and install it; needs Rust
	@if command -v cargo >/dev/null; then \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps ./crates/gameboy-python; \
	else \
	  echo "The Game Boy is not built: there is no 'cargo' here. Install Rust $(RUST) or newer" \
	    "(rustup, or Debian's packages cargo and rustc), then run 'make gameboy'." >&2; \
	fi

python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "envlift needs Python 3.11 or newer, but there is no '$(PYTHON)' here." >&2; \
	  echo "Name one yourself: make setup PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "envlift needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Name another one: make setup PYTHON=/path/to/python3.11" >&2; exit 1; }

demo: $(STAMP)  ## Train and film Pong, find a wrong port of CartPole, verify Pong, write a report
	@rm -rf build/demo
	@$(BIN)/python scripts/demo.py

# Tests start some thousand processes, where an environment may forbid Python to keep what it has
# compiled: each of them would compile the package anew, a fifth of its start.
test: $(STAMP)  ## Run all tests
	@$(BIN)/python -m compileall -q src
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadgroup

rust: $(STAMP)  ## Check and test the Game Boy's crates
	cd crates && cargo fmt --all --check
	cd crates && cargo clippy --locked --workspace --all-targets -- -D warnings
	cd crates && cargo test --locked --package gameboy
	cd crates && cargo test --locked --package gameboy --release  # as it is shipped

codex: $(STAMP)  ## Drive the real Codex CLI (from npm) against a server of our own
	npm install --silent --no-audit --no-fund --prefix build/codex @openai/codex@$(CODEX)
	PATH="$(CURDIR)/build/codex/node_modules/.bin:$$PATH" $(BIN)/python -m pytest -m codex

# Their environment is made once, in the user's cache: PyTorch brings some 7 GB.
libraries: $(STAMP)  ## Test with Stable-Baselines3, TorchRL and PyTorch, in an environment of their own
	PYTHONPATH=src $$($(BIN)/python tests/libraries/environment.py) -m pytest -m libraries tests/libraries

# Apart from each other, so that `make --jobs=2 lint` uses two cores.
lint: lint-types lint-rest  ## Check style, types, allowed imports and what is committed

lint-types: $(STAMP)
	$(BIN)/mypy

lint-rest: $(STAMP)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/lint-imports --no-cache
	$(BIN)/python scripts/check_tree.py
	$(BIN)/python -m envlift.report.cards --check
	$(ENVLIFT) mutate --check

format: $(STAMP)  ## Repair style where a tool can
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

bench: $(STAMP)  ## Measure every environment beside its reference
	@set -e; for bench in src/envlift/envs/*/bench.py; do \
	  $(ENVLIFT) bench $$(basename $$(dirname $$bench)); \
	done

cards: $(STAMP)  ## Generate the cards and the README matrix from committed results
	$(BIN)/python -m envlift.report.cards

figures: $(STAMP)  ## Draw the learning curves in the evidence
	$(BIN)/python -m envlift.report.figures

docs: $(STAMP)  ## Build the documentation into site/
	$(BIN)/mkdocs build --strict

LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --upgrade \
  --system-certs --quiet

lock: $(STAMP)  ## Resolve requirements.lock anew, and what `make libraries` installs
	$(LOCK) pyproject.toml --group dev --extra gymnax --extra docs --extra train --extra translate \
	  --extra tensorboard --extra onnx --extra pettingzoo --output-file requirements.lock
	$(LOCK) pyproject.toml tests/libraries/requirements.in --extra train --extra onnx --extra sb3 \
	  --extra torchrl --constraint requirements.lock --output-file tests/libraries/requirements.txt

dist: $(STAMP)  ## Build sdist and wheels into dist/, and try them on every Python that is here
	@$(BIN)/python scripts/dist.py

release: $(STAMP)  ## Set a version everywhere: make release VERSION=0.2.0
	@$(BIN)/python scripts/release.py $(VERSION)

clean:  ## Remove .venv and everything generated
	rm -rf $(VENV) site dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
