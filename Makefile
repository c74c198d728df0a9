# The door: every target says what it does; the build itself is CMake's.
.PHONY: all deps run check bench install clean help

all: deps ## build the libraries into build/
	@cmake --preset release >build.log 2>&1 || { cat build.log; rm -f build.log; exit 1; }; rm -f build.log
	@cmake --build --preset release

deps: ## install from the distribution what building and testing need and is missing
	@./cmake/install-missing-packages

check: all ## every test
	@ctest --test-dir build --output-on-failure

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

.PHONY: bench-quick check-firmware fuzz-quick
bench-quick: all ## the freestanding heap's figures: instructions, bounds, space, code
	@bench/quick/bench build

check-firmware: deps ## the freestanding heap on a Cortex-M machine in QEMU
	@tests/firmware/check-firmware

fuzz-quick: deps ## libFuzzer on the freestanding heap (SECONDS_TO_FUZZ, 60)
	@mkdir -p build/fuzz-quick
	@clang -std=c11 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Iinclude -Isrc -Itests/quick \
		$(filter-out src/quick/names.c,$(wildcard src/quick/*.c)) tests/quick/fuzz.c tests/quick/model.c -o build/fuzz-quick/fuzz
	@build/fuzz-quick/fuzz -max_total_time=$(or $(SECONDS_TO_FUZZ),60) -max_len=4096 -artifact_prefix=build/fuzz-quick/ \
		build/fuzz-quick tests/quick/cases 2>&1 | tail -3
