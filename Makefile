# `make demo` and `make test` set up all they need in .venv: Python 3.10 or newer, make and a package index suffice.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO := docs/demo/dim-astronaut

.PHONY: help demo test test-hosts lint format dist bench clean

help:
	@echo "make demo        harmonize the bundled composite through the daemon"
	@echo "make test        all tests that need no GIMP and no Krita"
	@echo "make test-hosts  tests in the real GIMP and the real Krita (Linux, root, mmdebstrap)"
	@echo "make lint        ruff and mypy"
	@echo "make dist        zips of the plug-ins for installation by hand"
	@echo "make bench       speed of one request, as ratios to memcpy"

# torch comes from constraints.txt: an unpinned torch may bring gigabytes of CUDA.
$(STAMP): setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: $(STAMP)
	$(BIN)/python -m harmonize_daemon.worker.warming
	$(BIN)/harmonize image $(DEMO).png --mask $(DEMO).mask.png -o demo-output/harmonized.png \
		--before-after demo-output/before-after.png
	@echo
	@echo "Harmonized:     demo-output/harmonized.png"
	@echo "Before | after: demo-output/before-after.png"

test: $(STAMP)
	$(BIN)/python -m pytest --ignore=tests/hosts

test-hosts: $(STAMP)
	$(BIN)/python -m pytest tests/hosts

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

dist: $(STAMP)
	$(BIN)/python -m harmonize_daemon.install.dist

bench: $(STAMP)
	$(BIN)/harmonize bench

clean:
	rm -rf $(VENV) build dist demo-output *.egg-info
