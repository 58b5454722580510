# Two commands do everything: `make demo` and `make test`. Both set up .venv/ first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
HERE := $(PIP) --no-deps --no-build-isolation --editable .

.PHONY: demo test test-all lint bench lock clean

demo: $(VENV)/run.done
	$(BIN)/songark demo

test: $(VENV)/dev.done
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-all: $(VENV)/dev.done
	$(BIN)/python -m pytest -n 2

lint: $(VENV)/dev.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/dev.done
	$(BIN)/python bench/run.py

# Names, versions and hashes, without addresses. Wants uv on the machine.
lock:
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --quiet --output-file requirements/dev.txt
	uv pip compile pyproject.toml --group build --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --quiet --constraint requirements/dev.txt \
		--output-file requirements/run.txt

clean:
	rm -rf $(VENV) demo-ark demo-ark-mirror

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Songark wants Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.done: requirements/run.txt pyproject.toml | $(VENV)/bin/python
	$(PIP) --require-hashes --requirement requirements/run.txt
	$(HERE)
	touch $@

$(VENV)/dev.done: requirements/dev.txt pyproject.toml | $(VENV)/bin/python
	$(PIP) --require-hashes --requirement requirements/dev.txt
	$(HERE)
	touch $@ $(VENV)/run.done
