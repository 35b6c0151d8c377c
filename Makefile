# Every target sets up what it needs. `make demo` and `make test` are the two to begin with.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SOURCES := Cargo.toml Cargo.lock pyproject.toml $(shell find src python -name '*.rs' -o -name '*.py')

.PHONY: demo test lint bench bench-bridge docs stubs twins format wheel clean

$(BIN)/.ready: requirements-dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

# the extension module, in the virtual environment
$(BIN)/.built: $(BIN)/.ready $(SOURCES)
	VIRTUAL_ENV=$(CURDIR)/$(VENV) PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/maturin develop --quiet
	touch $@

demo: $(BIN)/.built
	$(BIN)/python examples/demo.py

test: $(BIN)/.built
	cargo test --quiet
	cargo test --quiet --features emulator
	$(BIN)/python -m pytest $(ARGS)

lint: $(BIN)/.built
	cargo fmt --check
	cargo clippy --quiet --all-targets -- -D warnings
	cargo clippy --quiet --all-targets --features python,emulator -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps --features emulator
	$(BIN)/python scripts/twins.py --check
	PATH="$(CURDIR)/$(BIN):$$PATH" scripts/stubs.sh --check
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest atlas_privatelink._core
	$(BIN)/pyright --pythonpath $(BIN)/python

format: $(BIN)/.ready
	cargo fmt
	$(BIN)/ruff format --quiet .
	$(BIN)/ruff check --quiet --fix .

# the blocking client, from the asynchronous one
twins:
	$(PYTHON) scripts/twins.py

# the extension module's type stub, from its Rust source
stubs: $(BIN)/.ready
	PATH="$(CURDIR)/$(BIN):$$PATH" scripts/stubs.sh

wheel: $(BIN)/.ready
	$(BIN)/maturin build --release --compression-level 9 --out dist

# the release wheel and the other clients, in an environment of their own
BENCH := .venv-bench/bin
$(BENCH)/.ready: benches/requirements.txt $(BIN)/.ready $(SOURCES)
	$(PYTHON) -m venv .venv-bench
	$(BENCH)/pip install --quiet --disable-pip-version-check -r benches/requirements.txt
	rm -rf dist && $(MAKE) wheel
	$(BENCH)/pip install --quiet --disable-pip-version-check --force-reinstall --no-deps dist/*.whl
	touch $@

# against other clients, on a real digest server (Debian: libjetty9-java, default-jdk-headless, libcurl4-openssl-dev)
bench: $(BENCH)/.ready
	$(BENCH)/python -m benches.run $(ARGS)

# our bridge to asyncio beside pyo3-async-runtimes
bench-bridge: $(BENCH)/.ready
	$(BIN)/maturin build --quiet --release --manifest-path benches/bridge/Cargo.toml --out benches/bridge/dist
	$(BENCH)/pip install --quiet --disable-pip-version-check --force-reinstall --no-deps benches/bridge/dist/*.whl
	$(BENCH)/python -m benches.bridge.compare $(ARGS)

# the API of both languages, in docs/_build
docs: $(BIN)/.built
	RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps --features emulator
	$(BIN)/pdoc --output-directory docs/_build atlas_privatelink
	@echo "docs/_build/index.html, target/doc/atlas_privatelink/index.html"

clean:
	rm -rf $(VENV) .venv-bench target dist docs/_build benches/bridge/target benches/bridge/dist
