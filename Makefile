# PKG=./content/...   only these packages
# RUN=TestName        only these tests (test, test-short, cover)
# BENCH=Name          only these benchmarks (bench)
# FUZZTIME=1m         how long each Fuzz function runs (fuzz)
# DSN=sqlite:FILE     the database (verify-index)
PKG      ?= ./...
RUN      ?=
BENCH    ?= .
FUZZTIME ?= 10s
DSN      ?=

GOLANGCI_LINT := go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

# The server that these need is found or started by .ci/postgres, and stopped afterwards.
POSTGRES := .ci/postgres run
# Benchmarks and tests of heavy peers have a go.mod of their own; this goes through all.
MODULES  := .ci/modules

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "Arguments: PKG=./content/... RUN=TestName BENCH=Name FUZZTIME=1m"

.PHONY: test
test: ## all tests on SQLite and Postgres, with the race detector; then bulk suites without it
	@$(POSTGRES) .ci/test '$(PKG)' '$(RUN)'

.PHONY: test-short
test-short: ## a quick look while working: -short, without the race detector
	@$(POSTGRES) .ci/test -short '$(PKG)' '$(RUN)'

.PHONY: bench
bench: ## all benchmarks, one package at a time
	@$(POSTGRES) $(MODULES) '$(PKG)' go test -run '^$$' -bench '$(BENCH)' -benchmem -p 1 -timeout 2h

# SEED=1 KILLS=50     of chaos
SEED     ?=
KILLS    ?= 50

.PHONY: chaos
chaos: ## kill workers KILLS times during an import of 20,000 records, fail every database call; prints its seed
	@CURATORE_CHAOS=$(KILLS) CURATORE_CHAOS_SEED=$(SEED) $(POSTGRES) go test -count=1 -v -timeout 2h -run 'SurvivesKills|MayFail' ./curatore

.PHONY: smoke
smoke: ## the whole way of an import in two processes
	@$(POSTGRES) go test -count=1 -v -run TestSmoke ./examples/worker

.PHONY: fuzz
fuzz: ## each Fuzz function for FUZZTIME
	@FUZZTIME='$(FUZZTIME)' $(POSTGRES) $(MODULES) '$(PKG)' "$(CURDIR)/.ci/fuzz"

.PHONY: mcp-conformance
mcp-conformance: ## examples/mcp under the public inspector and conformance suite (needs npm)
	@.ci/mcp-conformance

.PHONY: cover
cover: ## the share of statements that tests reach, in coverage.out
	@$(POSTGRES) go test -run '$(RUN)' -shuffle=on -coverpkg='$(PKG)' -coverprofile=coverage.out '$(PKG)'
	@go tool cover -func coverage.out | tail -n 1

.PHONY: lint gofmt vet linters
lint: gofmt vet linters ## gofmt, go vet and the linters of .golangci.yml

gofmt:
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "not formatted by gofmt:"; echo "$$unformatted"; exit 1; fi

vet:
	@$(MODULES) '$(PKG)' go vet

linters:
	@$(MODULES) '$(PKG)' $(GOLANGCI_LINT) run

.PHONY: verify-index
verify-index: ## compare the search index of the database DSN with its records
	@go run ./examples/verifyindex -db '$(DSN)'

.PHONY: generate
generate: ## run every go:generate
	@$(MODULES) '$(PKG)' go generate

.PHONY: tidy-check
tidy-check: ## fail when a go.mod or go.sum is not tidy
	@$(MODULES) '' go mod tidy -diff
