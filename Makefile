# FleetGate. `make` alone prints the targets. Each target first sees to what it needs (Deploy/setup.sh).
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo sim-demo test build release bench bench-allocations bench-connect bench-policy bench-disable \
	bench-revoke fuzz format lint clean

# Which mbedTLS to build with: 2.28 or 3.6; the installed one when not given.
MBEDTLS ?=
# Which tests to run: a regular expression on their names; all when not given.
FILTER ?=

# Options of the benchmark against peers: BENCH='--quick', BENCH='--work connect --check'.
BENCH ?=

# How long each fuzz target runs; its program, and its folder of Tests/Fuzz/Corpus, which is only read.
FUZZ_SECONDS ?= 60
fuzz_targets := FuzzTicket:ticket FuzzIdentity:identity FuzzClientHello:client-hello FuzzCRL:crl FuzzOCSP:ocsp

# Tests that keep the whole machine busy with simulated fleets have it to themselves; those in which time matters run
# one after the other.
fleets := ShippedScenarioTests|MosquittoScenarioTests|LiveRevocationTests
measured := ScenarioRunTests|ValidityTests|LoadRunTests|LoopbackTests|HandshakeCommandTests|ReportPageTests

# All tests begun at once, some thousands, would have as many files, brokers and databases open at once, and each would
# wait for all others. Swift Testing reads this number.
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH := 32

swift_sources := Package.swift Sources Tests Firmware-sim

# Sees to everything. The unpacked copy of another mbedTLS is told to Package.swift by its folder; only the C target
# and the links are made anew for it.
define set_up
prefix=$$(Deploy/setup.sh $(if $(MBEDTLS),--mbedtls $(MBEDTLS))); export FLEETGATE_MBEDTLS_PREFIX=$$prefix
endef

# What ships has Swift's runtime inside, where the toolchain has it as archives: it runs where no Swift is installed, and
# calls into the runtime, of which a connection makes thousands, do not go through the dynamic linker's table.
define set_release
resources=$$(swiftc -print-target-info | sed -n 's/^ *"runtimeResourcePath": "\(.*\)",\{0,1\}$$/\1/p'); \
release=(swift build -c release); if [[ -d $${resources}_static/linux ]]; then release+=(--static-swift-stdlib); \
else echo "no archives of Swift's runtime beside $$resources: what is built runs where Swift is installed" >&2; fi
endef

define build_release
$(set_release); \
"$${release[@]}" --product fleetgate; \
"$${release[@]}" --product firmware-sim; \
bin=$$("$${release[@]}" --show-bin-path)
endef

help: ## print this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo '  MBEDTLS=2.28|3.6     build with that version; the installed one when not given'
	@echo '  BENCH=OPTIONS        (bench) such as --quick or --check; --help names them'
	@echo '  FUZZ_SECONDS=60      (fuzz) how long each target runs'
	@echo '  FILTER=REGEX         (test) only the tests whose name matches'

demo: ## a gateway, its broker and 200 simulated devices, on this machine
	@$(set_up); $(build_release); Deploy/demo.sh "$$bin"

sim-demo: ## a mixed fleet and a hostile one against a fresh gateway; leaves HTML reports in .build/sim-demo
	@$(set_up); $(build_release); Firmware-sim/Demo/sim-demo.sh "$$bin" .build/sim-demo

test: ## build and run all tests
	@$(set_up); swift build --build-tests; \
	tests() { swift test --skip-build "$$@" 2>&1 | awk -f Tests/failures-again.awk; }; \
	$(if $(FILTER),tests --filter '$(FILTER)',\
	tests --skip '$(fleets)|$(measured)'; \
	tests --filter '$(fleets)'; \
	tests --no-parallel --filter '$(measured)')

build: ## debug build of both programs
	@$(set_up); swift build

release: ## release build of both programs; prints the folder they are in
	@$(set_up); $(build_release); echo "$$bin"

bench: ## FleetGate beside mosquitto, HAProxy and nginx, with goals; leaves its report in .build/bench
	@$(set_up); $(build_release); python3 Firmware-sim/Benchmarks/Peers/bench.py "$$bin" --out .build/bench $(BENCH)

bench-allocations: ## allocations per handshake, forwarded PUBLISH and decision, against their limits
	@$(set_up); $(build_release); "$${release[@]}" --product policy-bench; \
	python3 Firmware-sim/Benchmarks/AllocationGuard/allocation_guard.py "$$bin"

bench-connect: ## full mutual-TLS MQTT connects per second of the gateway's CPU time
	@$(set_up); $(build_release); Firmware-sim/Benchmarks/connects-per-cpu-second.sh "$$bin"

bench-policy: ## decisions, topic checks, loading of device profiles and CRLs, with their goals
	@$(set_up); $(set_release); "$${release[@]}" --product policy-bench; \
	"$$("$${release[@]}" --show-bin-path)/policy-bench"

bench-disable: ## from `fleetgate device disable` to the closed socket, with 5,000 live sessions
	@$(set_up); $(build_release); Firmware-sim/Benchmarks/disable-to-closed.sh "$$bin"

bench-revoke: ## from a new CRL of 100,000 entries to the closed sockets, with 5,000 live sessions
	@$(set_up); $(build_release); Firmware-sim/Benchmarks/revoke-to-closed.sh "$$bin"

fuzz: ## run each fuzz target for FUZZ_SECONDS, beginning with Tests/Fuzz/Corpus; what it finds stays in .build/fuzz
	@$(set_up); export FLEETGATE_FUZZ=1; build=(swift build --scratch-path .build/fuzz --sanitize=fuzzer); \
	for target in $(fuzz_targets); do "$${build[@]}" --product "$${target%%:*}"; done; \
	bin=$$("$${build[@]}" --show-bin-path); failed=(); \
	for target in $(fuzz_targets); do \
		program=$${target%%:*}; corpus=$${target##*:}; mkdir -p ".build/fuzz/corpus/$$corpus" .build/fuzz/found; \
		"$$bin/$$program" -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024 -max_len=20000 \
			-print_final_stats=1 -artifact_prefix=".build/fuzz/found/$$program-" \
			".build/fuzz/corpus/$$corpus" "Tests/Fuzz/Corpus/$$corpus" || failed+=("$$program"); \
	done; \
	for program in "$${failed[@]}"; do \
		echo "$$program failed. The input is the newest of .build/fuzz/found/$$program-*; again with it:" >&2; \
		echo "    $$bin/$$program FILE" >&2; \
	done; \
	(( $${#failed[@]} == 0 ))

format: ## format the Swift sources in place
	@swift format format --in-place --parallel --recursive $(swift_sources)

lint: ## check format and style of the Swift sources and the scripts
	@swift format lint --strict --parallel --recursive $(swift_sources)
	@if command -v shellcheck >/dev/null; then find Deploy Firmware-sim .ci -type f \( -name '*.sh' -o -path .ci/run \) \
		-exec shellcheck {} +; else echo 'shellcheck is not installed: scripts not checked' >&2; fi

clean: ## remove what was built (unpacked mbedTLS copies stay)
	@if [[ -d .build ]]; then find .build -mindepth 1 -maxdepth 1 ! -name mbedtls -exec rm -rf {} +; fi
