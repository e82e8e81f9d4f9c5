# The commands of a newcomer (README) and of CI (.ci/run) are the same.

GO          ?= go
STATICCHECK  = honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME    ?= 5s
PLATFORMS    = linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

.PHONY: build test check format vet lint cross unit fuzz powerloss kill soak bench bench-quick bench-check dict-check

build: ## a static binary for this machine
	CGO_ENABLED=0 $(GO) build -trimpath -o rollcall .

test: ## every test, with the race detector
	$(GO) test -race -timeout 10m ./...

check: format vet lint cross unit bench-check dict-check fuzz ## what CI asks beyond the tests

format:
	@files=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$files" ]; then echo "not formatted: $$files" >&2; exit 1; fi
	$(GO) mod tidy -diff

vet:
	$(GO) vet ./...

lint:
	$(GO) run $(STATICCHECK) ./...

cross: ## builds for every platform that we name
	@set -e; for p in $(PLATFORMS); do echo "build $$p"; CGO_ENABLED=0 GOOS=$${p%/*} GOARCH=$${p#*/} $(GO) build -o /dev/null .; done

unit: ## the systemd unit is sound and hardened; needs systemd-analyze
	deploy/verify-unit

fuzz: ## each fuzz target for FUZZTIME
	@set -e; for p in $$($(GO) list ./...); do \
		for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz' || true); do \
			echo "fuzz $$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$p; \
		done; \
	done

powerloss: ## thousands of states that a loss of power can leave (make test tries 150)
	$(GO) test ./store -run PowerLoss -timeout 30m -powerloss.states=10000

kill: ## fifty rounds of SIGKILL under load (make test does some)
	$(GO) test ./internal/endtoend -run Kill -timeout 60m -rounds 50

soak: ## an hour of traffic with random faults
	$(GO) test ./internal/endtoend -run Soak -timeout 2h -soak 1h

bench: ## rollcall beside its peers, into BENCHMARKS.md (a quarter of an hour; Linux, a C compiler)
	cd internal/bench && $(GO) run . run

bench-quick: ## a first look at the same (a minute)
	cd internal/bench && $(GO) run . run -quick

bench-check: ## the benches build and tell the truth
	cd internal/bench && $(GO) mod tidy -diff && $(GO) vet ./... && $(GO) test ./...

dict-check: ## the embedded dictionaries are what they were made of, and cut as others do
	cd internal/words/cjk/dictgen && $(GO) mod tidy -diff && $(GO) vet ./... && $(GO) test ./...
