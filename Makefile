# Each target sets up what it needs in .venv, again only when the pins change.
PYTHON ?= python3
JOBS ?= 2
BIN := .venv/bin
PINS := pyproject.toml constraints.txt
VADER := 5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: run test check install reviews pages notebooks clean

run: .venv/ready-to-run  ## prove the cells on real input; the report goes to report/
	$(BIN)/gateproof compare --out report

test: .venv/ready-to-test  ## the whole suite, every framework
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder

check: .venv/ready-to-test  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

install: .venv/ready-to-test  ## everything, for working on the code

reviews: reviews.tsv  ## the film-review snippets that `gateproof study sentiment` reads, from the package index

# An archive of other bytes is refused before anything in it runs; nothing of it is installed.
reviews.tsv: .venv/ready-to-run
	rm -rf .venv/reviews && mkdir .venv/reviews
	echo "vaderSentiment==3.3.2 --hash=sha256:$(VADER)" > .venv/reviews/requirements.txt
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --no-binary vaderSentiment \
		--dest .venv/reviews --requirement .venv/reviews/requirements.txt
	$(BIN)/python -m comparisons.studies.snippets .venv/reviews/vaderSentiment-3.3.2.tar.gz $@
	rm -rf .venv/reviews

pages: .venv/ready-to-run  ## docs/cells: a page and a picture for each cell, from the code
	$(BIN)/python -m comparisons.cell_pages

notebooks: .venv/ready-to-test  ## docs/notebooks: run from top to bottom, and what they give stored in them
	$(BIN)/python tests/meta/notebooks.py

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
