# Every target sets up what it needs. `make demo` and `make test` are the two to begin with.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SOURCES := Cargo.toml Cargo.lock pyproject.toml $(shell find src python -name '*.rs' -o -name '*.py')

# Airflow's minor versions; the newest one, which has the most tests, first
AIRFLOWS := 3.3 3.2 3.1 3.0 2.11
AIRFLOW := .venv-airflow
AIRFLOW_NEWEST := $(AIRFLOW)/$(firstword $(AIRFLOWS))

# tests start hundreds of Python processes, which would each compile all that they import
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-peers test-airflow lint pictures bench bench-airflow bench-bridge docs stubs twins format wheel clean

$(BIN)/.ready: requirements-dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

# the extension module, in the virtual environment
$(BIN)/.built: $(BIN)/.ready $(SOURCES)
	VIRTUAL_ENV=$(CURDIR)/$(VENV) PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/maturin develop --quiet
	touch $@

demo: $(BIN)/.built
	$(BIN)/atlas-privatelink demo

test: $(BIN)/.built
	cargo test --quiet
	cargo test --quiet --features emulator
	$(BIN)/python -m pytest --numprocesses=auto --dist=worksteal $(ARGS)

# MongoDB's own Go SDK against the local Atlas (Debian: golang)
test-peers: $(BIN)/.built
	$(BIN)/python -m pytest tests/test_peers.py $(ARGS)

# the package as a wheel, for Airflow's environments
$(AIRFLOW)/.wheel: $(BIN)/.ready $(SOURCES)
	rm -rf $(AIRFLOW)/wheel
	VIRTUAL_ENV=$(CURDIR)/$(VENV) PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/maturin build --quiet --out $(AIRFLOW)/wheel
	touch $@

$(AIRFLOW)/%/.ready: $(AIRFLOW)/.wheel scripts/airflow_environment.sh tests/airflow_provider/requirements.txt
	PYTHON=$(BIN)/python UV=$(BIN)/uv scripts/airflow_environment.sh $* $(AIRFLOW)/$* $(AIRFLOW)/wheel/*.whl
	touch $@

.PRECIOUS: $(AIRFLOW)/%/.ready

# every version of Airflow in an environment of its own (Debian: postgresql, redis-server)
test-airflow:
	$(MAKE) --jobs=3 --output-sync=target $(patsubst %,test-airflow-%,$(AIRFLOWS))

test-airflow-%: $(AIRFLOW)/%/.ready
	cd tests/airflow_provider && $(CURDIR)/$(AIRFLOW)/$*/bin/python -m pytest $(ARGS)

lint: $(BIN)/.built $(AIRFLOW_NEWEST)/.ready
	cargo fmt --check
	cargo clippy --quiet --all-targets -- -D warnings
	cargo clippy --quiet --all-targets --features python,emulator -- -D warnings
	cargo clippy --quiet --manifest-path benches/bridge/Cargo.toml --target-dir target -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps --features emulator
	$(BIN)/python scripts/twins.py --check
	PATH="$(CURDIR)/$(BIN):$$PATH" scripts/stubs.sh --check
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(AIRFLOW_NEWEST)/bin/mypy $(wildcard python/atlas_privatelink/airflow/*.py python/atlas_privatelink/airflow/operators/*.py \
		tests/airflow_provider/*.py \
		tests/airflow_provider/dags/*.py tests/airflow_provider/plugins/*.py benches/dag_parsing.py benches/real_triggerer.py benches/triggerer.py)
	$(BIN)/python -m mypy.stubtest atlas_privatelink._core
	$(BIN)/pyright --pythonpath $(BIN)/python

format: $(BIN)/.ready
	cargo fmt
	$(BIN)/ruff format --quiet .
	$(BIN)/ruff check --quiet --fix .

# the blocking clients, from the asynchronous ones
twins: $(BIN)/.ready
	$(BIN)/python scripts/twins.py

# the extension module's type stub, from its Rust source
stubs: $(BIN)/.ready
	PATH="$(CURDIR)/$(BIN):$$PATH" scripts/stubs.sh

wheel: $(BIN)/.ready
	$(BIN)/maturin build --release --compression-level 9 --out dist

BENCH := .venv-bench

$(BENCH)/.ready: benches/requirements.txt
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

# the release wheel, as users get it
$(BENCH)/.built: $(BENCH)/.ready $(SOURCES)
	$(MAKE) wheel
	$(BENCH)/bin/pip install --quiet --disable-pip-version-check --force-reinstall --no-deps \
		"$$(ls -t dist/atlas_privatelink-*.whl | head -n 1)"
	touch $@

# beside other clients, on a real digest server (Debian: libjetty9-java, default-jdk-headless, libcurl4-openssl-dev)
bench: $(BENCH)/.built
	$(BENCH)/bin/python -m benches.run $(ARGS)
	$(BENCH)/bin/python -m benches.latency
	$(BENCH)/bin/python -m benches.waiting

# the release wheel in the newest Airflow's environment
$(AIRFLOW)/bench/.ready: $(BIN)/.ready $(SOURCES)
	$(MAKE) wheel
	PYTHON=$(BIN)/python UV=$(BIN)/uv scripts/airflow_environment.sh $(firstword $(AIRFLOWS)) $(AIRFLOW)/bench \
		"$$(ls -t dist/atlas_privatelink-*.whl | head -n 1)"
	touch $@

# what parsing a DAG costs, and two thousand waits in one triggerer (Debian: postgresql)
bench-airflow: $(AIRFLOW)/bench/.ready
	$(AIRFLOW)/bench/bin/python -m benches.dag_parsing
	$(AIRFLOW)/bench/bin/python -m benches.triggerer $(ARGS)
	$(AIRFLOW)/bench/bin/python -m benches.real_triggerer

# our bridge to asyncio beside pyo3-async-runtimes
bench-bridge: $(BENCH)/.built
	$(BIN)/maturin build --quiet --release --manifest-path benches/bridge/Cargo.toml --target-dir target/bridge \
		--out target/bridge/wheels
	$(BENCH)/bin/pip install --quiet --disable-pip-version-check --force-reinstall --no-deps target/bridge/wheels/*.whl
	$(BENCH)/bin/python -m benches.bridge.compare $(ARGS)

# the API of both languages, in docs/_build
docs: $(BIN)/.built
	RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps --features emulator
	$(BIN)/pdoc --output-directory docs/_build atlas_privatelink
	@echo "docs/_build/index.html, target/doc/atlas_privatelink/index.html"

# the pictures in docs/pictures (Debian: tmux, chromium)
pictures: $(BIN)/.built
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python scripts/pictures.py

clean:
	rm -rf $(VENV) $(BENCH) $(AIRFLOW) target dist docs/_build
