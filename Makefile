# Go, make and git are enough for all of this but race (a C compiler), servers
# (some minutes, once) and axe (npm). What make test does not find on the
# machine it leaves out, and says so at its end.

GO       ?= go
PARALLEL ?= 2
TIMEOUT  ?= 20m
FUZZTIME ?= 20s

# Where goroutines meet: the race detector costs too much to run everywhere.
RACE := $(foreach d,infra/db delivery portal,$(if $(wildcard $(d)/*.go),./$(d)))

# Whose tests ask package dbtest for a database: they run on SQLite with all
# others, and on PostgreSQL after that.
ON_BOTH := ./infra/db ./infra/account/... ./licensing ./delivery ./portal

.PHONY: help build test vet race fuzz bench servers axe check

help: ## list what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build ./sluiced, static
	CGO_ENABLED=0 $(GO) build -trimpath -o sluiced ./cmd/sluiced

vet: ## go vet, and every file as gofmt writes it
	$(GO) vet ./...
	@rough=$$($$($(GO) env GOROOT)/bin/gofmt -l .); \
	if [ -n "$$rough" ]; then echo "Run gofmt -w on:" >&2; echo "$$rough" >&2; exit 1; fi

# -count=1: go test keeps results by the files of this module and knows
# nothing of servers; a test skipped for want of one would stay "ok (cached)"
# after it was installed.
test: vet ## test everything, with what is on this machine
	@skips=$$(mktemp) && trap 'rm -f "$$skips"' EXIT && status=0; \
	TEST_DATABASE=sqlite SKIPPED_TESTS="$$skips" $(GO) test -vet=off -count=1 -p $(PARALLEL) -timeout $(TIMEOUT) ./... || status=$$?; \
	echo "and what touches the database, on PostgreSQL:"; \
	TEST_DATABASE=postgres SKIPPED_TESTS="$$skips" $(GO) test -vet=off -count=1 -p $(PARALLEL) -timeout $(TIMEOUT) $(ON_BOTH) || status=$$?; \
	if [ -s "$$skips" ]; then \
		echo; echo "Not tested, with the number of tests:"; \
		cut -f 1 "$$skips" | sort | uniq -c; \
	fi; \
	exit $$status

race: ## the race detector, where goroutines meet
	$(if $(RACE),TEST_DATABASE=sqlite CGO_ENABLED=1 $(GO) test -race -vet=off -count=1 -p $(PARALLEL) -timeout $(TIMEOUT) $(RACE),@echo "nothing to race yet")

fuzz: ## each fuzz test for FUZZTIME
	@grep -rl --include='*_test.go' '^func Fuzz' . | xargs -r -n 1 dirname | sort -u | while read -r dir; do \
		grep -ho '^func Fuzz[A-Za-z0-9_]*' "$$dir"/*_test.go | cut -d ' ' -f 2 | while read -r name; do \
			echo "$$dir $$name"; \
			$(GO) test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) "$$dir" || exit 1; \
		done || exit 1; \
	done

bench: ## all benchmarks
	$(GO) test -run '^$$' -bench . -benchmem -timeout 60m ./...

servers: ## build MinIO, Vault and versitygw into your cache folder
	@$(GO) run ./infra/servers/build

axe: ## fetch axe-core into your cache folder
	@$(GO) run ./infra/servers/build axe

# As root the folder becomes the whole of the file system, as it does in an
# image made from nothing: no C library, no shell, no /etc, no user of a name.
check: build ## the binary runs as nobody, in a folder that holds nothing else
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && chmod 755 "$$dir" && cp sluiced "$$dir/" && cd "$$dir" && \
	if [ "$$(id -u)" = 0 ]; then env -i "$$(command -v chroot)" --userspec=65534:65534 "$$dir" /sluiced version; \
	else env -i ./sluiced version; fi
