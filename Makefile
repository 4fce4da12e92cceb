# Everything a newcomer needs; each target sets up what it needs itself.
# Wanted: Rust (rustup or a system package), Python 3 with venv, a C compiler.

CARGO ?= cargo

.PHONY: help setup build demo test lint check

help:
	@echo 'make demo    build, then watch a mesh of real Envoys come up, change and end (about a minute after building)'
	@echo 'make test    build, then run every suite'
	@echo 'make lint    formatting, clippy and docs, warnings denied'
	@echo 'make check   lint and test'
	@echo 'make setup   only install what the suites run: a real Envoy, Prometheus where possible'

setup:
	@sh tools/setup

build:
	$(CARGO) build --workspace --all-targets

demo: setup
	$(CARGO) build --package chancery-actors --package chancery-tests --bin chancery --bin demo
	@target/debug/demo

# The binaries are built first: suites run the program itself.
test: setup build
	$(CARGO) test --workspace --no-fail-fast

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- --deny warnings
	RUSTDOCFLAGS='--deny warnings' $(CARGO) doc --workspace --no-deps

check: lint test
