# Thin verbs: what is behind them is cargo, xtask, bench/run and .ci/run.
CARGO ?= cargo
# More arguments for `make run`, such as ARGS="--ephemeral --exit".
ARGS ?=
# Which benchmark `make bench` runs: a folder of bench/.
BENCH ?=
# Builds the web console; without it the binary says how to get it.
NODE := $(shell node -e 'const [a, b] = process.versions.node.split("."); \
	if (a > 22 || (a == 22 && b >= 12) || (a == 20 && b >= 19)) console.log(a)' 2>/dev/null)
CONSOLE_SOURCES := $(filter-out %/schema.ts,$(shell find web/src web/public web/scripts -type f)) \
	$(wildcard web/*.json web/*.ts web/*.js web/index.html)

.DEFAULT_GOAL := help
.PHONY: help run console console-if-node provider-if-node console-test soak test lint deny fmt doc bench fuzz fuzz-http ci clean

help: ## Show the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

console: web/dist/index.html ## Build the web console, which the next build of the binary embeds; needs Node

web/node_modules/.package-lock.json: web/package-lock.json
	cd web && npm ci --no-fund --no-audit

web/dist/index.html: web/node_modules/.package-lock.json $(CONSOLE_SOURCES)
	cd web && npm run check && npm run build

# The console where there is what it is built with; a binary without it is no failure, a mistake in it is.
console-if-node:
	@if [ -z "$(NODE)" ]; then \
		echo "the web console is left out: there is no Node 20.19, 22.12 or later"; \
	elif ! $(MAKE) --no-print-directory web/node_modules/.package-lock.json; then \
		echo "the web console is left out: what it is built with could not be fetched"; \
	else \
		$(MAKE) --no-print-directory console; \
	fi

run: console-if-node ## Start the hub and fly a demonstration launch in the terminal
	$(CARGO) run --release --package portique -- up --demo $(ARGS)

soak: ## Look at the plot wall for an hour of simulated time: its share of a core, and what it leaks
	cd web && PORTIQUE_BINARY=$${PORTIQUE_BINARY:-$(abspath target/release/portique)} node tests/soak.mjs

engines/oidc/tests/provider/node_modules/.package-lock.json: engines/oidc/tests/provider/package-lock.json
	cd engines/oidc/tests/provider && npm ci --no-fund --no-audit

# The OpenID provider of the tests; those that need it fetch it themselves where this did not.
provider-if-node:
	@if [ -n "$(NODE)" ]; then \
		$(MAKE) --no-print-directory engines/oidc/tests/provider/node_modules/.package-lock.json; \
	fi

test: console-if-node provider-if-node ## Hold the tree to its rules and run every test
	$(CARGO) xtask tidy
	$(CARGO) test --workspace --no-fail-fast
	@$(MAKE) --no-print-directory console-test

console-test: ## Use the console in a real browser, with the binary that was built last
	@if [ -z "$(NODE)" ] || [ ! -d web/node_modules ]; then \
		echo "console in a browser: SKIPPED, there is nothing to build it with"; \
	else \
		cd web && node tests/run.mjs; \
	fi

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

fuzz-http: ## Ask a hub all that its OpenAPI document has, and more, for a minute; needs Python
	$(CARGO) build --package portique
	fuzz/http/run

ci: ## Everything a change has to pass, on a clean clone of HEAD
	.ci/run

clean: ## Remove what was built
	$(CARGO) clean
