# The two commands: `make demo` and `make test`. Each makes .venv and installs what it needs.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
SOURCES := pyproject.toml constraints.txt

.PHONY: demo test lint types tests wheel docs format clean

demo: .venv/base
	$(BIN)/trustlayer demo

test: lint types tests wheel docs

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/dev
	$(BIN)/mypy
	$(BIN)/pyright

tests: .venv/dev
	bash tests/system.sh
	bash tests/run.sh

wheel: .venv/dev
	bash tests/wheel.sh

docs: .venv/dev
	bash tests/docs.sh

format: .venv/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.venv/base: $(SOURCES)
	$(PYTHON) -m venv .venv
	$(PIP) install -q -c constraints.txt -e .
	@touch $@

# torch first and alone: by any other way it brings gigabytes of CUDA packages.
.venv/dev: $(SOURCES)
	$(PYTHON) -m venv .venv
	$(PIP) install -q torch==2.13.0
	$(PIP) install -q -c constraints.txt -e '.[dev]'
	@touch $@ .venv/base

clean:
	rm -rf .venv dist build site .cache .coverage* coverage.xml
