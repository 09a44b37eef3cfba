# Each target builds .venv from constraints.txt when it is missing. PYTHON is a Python 3.11 or later.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
DATA ?=
BENCH ?=

.PHONY: label test lint train bench-train eval clean

label: $(VENV)/.installed            ## label the example feed and article with the shipped model
	$(BIN)/stancewire label examples --to table

test: $(VENV)/.installed-dev         ## run all tests
	$(BIN)/python -m pytest

lint: $(VENV)/.installed-dev         ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

train: $(VENV)/.installed-train      ## train the default preset: make train DATA=folder-of-outside-data
	$(BIN)/stancewire train --preset default --data "$(DATA)" --out runs/default

bench-train: $(VENV)/.installed-bench  ## training speed against other trainers: make bench-train BENCH="--rows T1,T2"
	$(BIN)/python -m benchmarks.train $(BENCH)

eval: $(VENV)/.installed             ## measure the shipped model: make eval ARTICLES=file
	$(BIN)/stancewire evaluate --articles "$(ARTICLES)"

clean:
	rm -rf $(VENV) build *.egg-info

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) --editable ".[dev]"
	touch $@

$(VENV)/.installed-train: $(VENV)/.installed
	$(PIP) --editable ".[train]"
	touch $@

$(VENV)/.installed-bench: $(VENV)/.installed
	$(PIP) --editable ".[bench]"
	touch $@
