# Thin verbs: what is behind them is cargo, xtask, bench/run and .ci/run.
CARGO ?= cargo
# More arguments for `make run`, such as ARGS="--ephemeral --exit".
ARGS ?=
# Which benchmark `make bench` runs: a folder of bench/.
BENCH ?=

.DEFAULT_GOAL := help
.PHONY: help run test lint deny fmt doc bench fuzz ci clean

help: ## Show the verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Start the hub and fly a demonstration launch in the terminal
	$(CARGO) run --release --package portique -- up --demo $(ARGS)

test: ## Hold the tree to its rules and run every test
	$(CARGO) xtask tidy
	$(CARGO) test --workspace --no-fail-fast

lint: deny ## Check format, lints and the tree's rules; dependencies where cargo-deny is installed
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- --deny warnings
	$(CARGO) xtask tidy

deny: ## Check licences, duplicates and sources of dependencies
	@if $(CARGO) deny --version >/dev/null 2>&1; then \
		$(CARGO) deny check bans licenses sources; \
	else \
		echo "dependencies are not checked: install it with 'cargo install --locked cargo-deny'"; \
	fi

fmt: ## Format the sources
	$(CARGO) fmt --all

doc: ## Build the documentation of every crate; a broken link fails
	RUSTDOCFLAGS="--deny warnings" $(CARGO) doc --workspace --no-deps --all-features

bench: ## Run one benchmark: make bench BENCH=journal
	bench/run $(BENCH)

fuzz: ## Throw bytes at every reader of telemetry, a minute each; needs cargo-fuzz and a nightly compiler
	$(CARGO) xtask fuzz

ci: ## Everything a change has to pass, on a clean clone of HEAD
	.ci/run

clean: ## Remove what was built
	$(CARGO) clean
