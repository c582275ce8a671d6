# Each target sets up what it needs in .venv, again only when the pins change.
PYTHON ?= python3
JOBS ?= 2
BIN := .venv/bin
PINS := pyproject.toml constraints.txt
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: run test check install clean

run: .venv/ready-to-run  ## prove the cells on real input; the report goes to report/
	$(BIN)/gateproof compare --out report

test: .venv/ready-to-test  ## the whole suite, every framework
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder

check: .venv/ready-to-test  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

install: .venv/ready-to-test  ## everything, for working on the code

clean:
	rm -rf .venv build dist report bench study-* *.egg-info .pytest_cache .ruff_cache .hypothesis

.venv/created:
	$(PYTHON) -m venv .venv
	touch $@

.venv/ready-to-run: .venv/created $(PINS)
	@echo "installing Keras, TensorFlow and what the command line needs (a minute or two) ..."
	$(PIP) --editable ".[witnesses]"
	touch $@

.venv/ready-to-test: .venv/created $(PINS)
	@echo "installing every framework (a few minutes) ..."
	$(PIP) --editable ".[test]"
	touch $@ .venv/ready-to-run
