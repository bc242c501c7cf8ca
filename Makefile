# What one does here. Each target sets up what it needs; `make help` lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# One build at a time: cargo already uses every core.
.NOTPARALLEL:

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## Start a mesh of three nodes and print their maps; Ctrl-C ends it
	@exec scripts/run.sh

.PHONY: test
test: ## Check everything: format, lints, tests, documentation, the page in a browser
	@exec scripts/test.sh

.PHONY: dev
dev: ## Rebuild and reload one node at http://127.0.0.1:8080 while you edit
	@scripts/setup.sh build
	@. scripts/env.sh; \
	export FEDERATED_ENABLE=1 FEDERATED_NODE_ID=dev FEDERATED_SOURCE=host FEDERATED_UNSIGNED=accept FEDERATED_DATA_DIR=target/mesh/dev; \
	exec cargo leptos watch

.PHONY: bench
bench: ## Measure, and name the machine
	@exec scripts/bench.sh

.PHONY: audit
audit: ## Measure the page: Lighthouse, first paint, frames, memory, pages a second (AUDIT_SECONDS)
	@exec scripts/audit.sh

.PHONY: soak
soak: ## Run chaos and fuzzing for hours: 10,000 seeds, then HOURS (default 1) for each target
	@exec scripts/soak.sh

.PHONY: table
table: ## Measure gossip protocols side by side: print the table, draw docs/pictures/gossip.svg
	@exec scripts/table.sh

.PHONY: build
build: ## Build the release: the page and the node
	@scripts/setup.sh build
	@exec scripts/build.sh

.PHONY: e2e
e2e: ## Run the browser tests alone, against the release build
	@scripts/setup.sh test
	@scripts/build.sh
	@. scripts/env.sh; exec npm --prefix end2end test --silent

.PHONY: setup
setup: ## Install the tools that are missing
	@exec scripts/setup.sh

.PHONY: clean
clean: ## Remove what was built, the demo mesh's data and the browser tests' packages
	rm -rf target end2end/node_modules end2end/test-results
