# The commands of a newcomer (README) and of CI (.ci/run) are the same.

GO          ?= go
# Each module is built by its own go.mod, as a release is; go.work is for editors, and for
# go commands in whatever folder.
export GOWORK = off
AXE          = axe-core@4.14.1
GOLANGCI     = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
DISCORDJS    = discord.js@14.28.1
STATICCHECK  = honnef.co/go/tools/cmd/staticcheck@v0.8.2
# Inputs a target is tried with, or a time; go test may call the end of a time a failure. It
# spends up to a minute on making a single input smaller, unless it is told not to.
FUZZTIME    ?= 50000x
# What make readers reads exports with, from npm.
READERS      = @duckdb/node-api@1.5.6-r.1 hyparquet@1.33.0 hyparquet-compressors@1.1.2 chat-analytics@1.1.2

.PHONY: build dist test check format vet lint golangci unit alerts browser-test pictures fuzz dist-check deb-test readers bots powerloss kill soak bench bench-quick bench-check dict-check generate tidy

build: ## a static binary for this machine
	CGO_ENABLED=0 $(GO) build -trimpath -o rollcall .

dist: ## a release in dist/: binaries for every platform that we name, SBOMs, packages, checksums; VERSION=1.2.3, or git knows
	rm -rf dist
	cd internal/dist && $(GO) run -trimpath . -version "$(VERSION)" -out ../../dist

test: ## every test, with the race detector where there is a C compiler, which CI always has
	@if [ -n "$$CI" ] || command -v "$$($(GO) env CC)" >/dev/null 2>&1; then \
		echo "$(GO) test -race -timeout 30m ./..."; $(GO) test -race -timeout 30m ./...; \
	else \
		echo "no C compiler: without the race detector (Debian: apt-get install gcc)"; \
		CGO_ENABLED=0 $(GO) test -timeout 30m ./...; \
	fi

check: format vet lint unit dist-check bench-check dict-check fuzz ## what CI asks beyond the tests

format:
	@files=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$files" ]; then echo "not formatted: $$files" >&2; exit 1; fi
	$(GO) mod tidy -diff

vet:
	$(GO) vet ./...

lint:
	$(GO) run $(STATICCHECK) ./...

golangci: ## lint, formatting and more in one, .golangci.yml; to build it takes minutes, so make check leaves it out
	$(GO) run $(GOLANGCI) run ./...

unit: ## the systemd unit is sound and hardened; needs systemd-analyze
	deploy/verify-unit

browser-test: ## the web page in a real browser, checked with axe-core; needs chromium, npm
	@set -e; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	npm install --silent --no-save --prefix "$$folder" $(AXE) >/dev/null; \
	$(GO) test -count=1 ./internal/web -run 'Browser|Picture' -chromium "$$(command -v chromium)" -axe "$$folder/node_modules/axe-core/axe.min.js" -pictures "$$folder"

pictures: ## those of README, anew: the demo on a terminal and its web page; needs chromium
	$(GO) test -count=1 ./internal/cli -run 'DemoScreen/80x24' -update
	$(GO) test -count=1 ./internal/web -run Picture -chromium "$$(command -v chromium)" -pictures ../../docs

alerts: ## Prometheus reads the rules, and each is raised when it should be; needs promtool
	promtool check rules deploy/alerts.yml
	promtool test rules deploy/alerts-test.yml

fuzz: ## each fuzz target with FUZZTIME inputs
	@set -e; for p in $$($(GO) list ./...); do \
		for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz' || true); do \
			echo "fuzz $$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x $$p; \
		done; \
	done

dist-check: ## the program builds for every platform, and a release built in two folders is the same bytes
	cd internal/dist && $(GO) mod tidy -diff && $(GO) vet ./... && $(GO) test -count=1 -timeout 30m -skip Package ./...

deb-test: ## installs, runs, upgrades and purges the package on this Debian, under a layer that takes it all; needs root, shellcheck, man
	shellcheck deploy/verify-unit deploy/debian/postinst deploy/debian/prerm deploy/debian/postrm
	cd internal/dist && unshare --mount $(GO) test -count=1 -run Package -v .

readers: ## the programs that people use read what is exported, value for value; needs node, npm, sqlite3
	@set -e; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
		npm install --silent --no-audit --no-fund --no-package-lock --prefix "$$folder" $(READERS); \
		$(GO) test ./internal/export -count=1 -run Readers -readers "$$folder"

bots: ## discord.py and discord.js run the lines of docs/for-bots.md; needs node, npm, Debian's python3-discord
	@set -e; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
		npm install --silent --no-audit --no-fund --no-package-lock --prefix "$$folder" $(DISCORDJS); \
		$(GO) test ./internal/cli -count=1 -run Bots -bots "$$folder"

powerloss: ## thousands of states that a loss of power can leave (make test tries 300)
	$(GO) test ./store -run PowerLoss -timeout 30m -powerloss.states=10000

kill: ## fifty rounds of SIGKILL under load (make test does some)
	$(GO) test ./internal/endtoend -run Kill -timeout 60m -rounds 50

soak: ## an hour of traffic with random faults; what a failure leaves is in the folder named first
	@folder=$$(mktemp -d) && echo "$$folder" && \
	$(GO) test ./internal/endtoend -run Soak -timeout 2h -soak 1h -v -keep "$$folder"

bench: ## rollcall beside its peers, into BENCHMARKS.md (half an hour; Linux, a C compiler)
	cd internal/bench && $(GO) run . run

bench-quick: ## a first look at the same (a minute)
	cd internal/bench && $(GO) run . run -quick

bench-check: ## the benches build and tell the truth
	cd internal/bench && $(GO) mod tidy -diff && $(GO) vet ./... && $(GO) test ./...

dict-check: ## the embedded dictionaries are what they were made of, and cut as others do
	cd internal/words/cjk/dictgen && $(GO) mod tidy -diff && $(GO) vet ./... && $(GO) test ./...

generate: ## what is made by programs: the embedded dictionaries
	$(GO) generate ./...

tidy: ## go.mod of the program and of the modules beside it, after a dependency has changed
	$(GO) mod tidy
	cd internal/bench && $(GO) mod tidy
	cd internal/dist && $(GO) mod tidy
	cd internal/words/cjk/dictgen && $(GO) mod tidy
