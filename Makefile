# The door: every target says what it does; the build itself is CMake's.
.PHONY: bench-insight all deps run check bench bench-short bench-count bench-memory bench-deps bench-pools bench-quick
.PHONY: check-firmware fuzz-quick install clean help

all: deps ## build the libraries into build/
	@cmake --preset release >build.log 2>&1 || { cat build.log; rm -f build.log; exit 1; }; rm -f build.log
	@cmake --build --preset release

deps: ## install from the distribution what building and testing need and is missing
	@./cmake/install-missing-packages

check: all ## every test
	@ctest --test-dir build --output-on-failure -j 2

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

crash: all ## ten thousand kills, power losses and damaged files (about an hour)
	@build/tests/persist/kill build/crash.tarn 4000 101
	@build/tests/persist/kill build/crash.tarn 2000 102 process
	@build/tests/persist/kill build/crash.tarn 1000 103 page-map
	@build/tests/persist/kill /dev/shm/tarn-crash.tarn 3000 104
	@build/tests/persist/faults /dev/shm/tarn-crash.tarn process
	@build/tests/persist/compound /dev/shm/tarn-crash.tarn 3
	@for seed in 1 2 3 4 5 6 7 8; do build/tests/persist/power /dev/shm/tarn-crash.tarn 60 $$seed || exit 1; done
	@build/tests/persist/power /dev/shm/tarn-crash.tarn all 3 12
	@build/tests/persist/loss /dev/shm/tarn-crash.tarn process 200 107
	@build/tests/persist/loss /dev/shm/tarn-crash.tarn failing 24 108
	@build/tests/persist/loss /dev/shm/tarn-crash.tarn failing 24 109 process
	@build/tests/persist/damage /dev/shm/tarn-crash.tarn 100000 105
	@build/tests/persist/reopen /dev/shm/tarn-crash.tarn 20000 106
	@build/tests/persist/vast build/crash.tarn 100 10

golden-persist: ## make the golden images anew, after the format's version was raised
	@cmake --preset release >/dev/null && cmake --build --preset release --target golden-persist
.PHONY: golden-persist

bench-persist: bench-deps all ## images: allocation, opening, space, commits, beside their peers
	@python3 bench/persist.py
.PHONY: crash bench-persist
run: all ## real programs on the system's allocator and on Tarn, side by side
	@python3 bench/run.py

bench: all bench-deps ## every benchmark against the distribution's allocators (about an hour)
	@python3 bench/instructions.py
	@python3 bench/memory.py --tests idle,small,forks
	@python3 bench/compare.py

bench-short: all ## the same with a tenth of the work
	@python3 bench/compare.py --quick

bench-count: all ## exact instructions per malloc+free pair
	@python3 bench/instructions.py

bench-memory: all ## memory given back, small processes, fork
	@python3 bench/memory.py --tests idle,small,forks

bench-deps: ## the allocators and programs to compare, from the distribution
	@./cmake/install-missing-packages packages-bench.txt

bench-quick: all ## the freestanding heap's figures: instructions, bounds, space, code
	@bench/quick/bench build

check-firmware: deps ## the freestanding heap on a Cortex-M machine in QEMU
	@tests/firmware/check-firmware

fuzz-quick: deps ## libFuzzer on the freestanding heap (SECONDS_TO_FUZZ, 60)
	@mkdir -p build/fuzz-quick
	@clang -std=c11 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Iinclude -Isrc -Itests/quick \
		$(filter-out src/quick/quick_names.c,$(wildcard src/quick/*.c)) tests/quick/quick_fuzz.c tests/quick/quick_model.c -o build/fuzz-quick/fuzz
	@build/fuzz-quick/fuzz -max_total_time=$(or $(SECONDS_TO_FUZZ),60) -max_len=4096 -artifact_prefix=build/fuzz-quick/ \
		build/fuzz-quick tests/quick/cases 2>&1 | tail -3

coverage-quick: deps ## branches of the freestanding heap that its tests take
	@python3 tests/quick/branches.py . build/coverage-quick
.PHONY: coverage-quick

bench-pools: bench-deps all ## object pools side by side with libcork, GLib, APR, Boost and malloc
	@python3 bench/pools.py

bench-insight: bench-deps all ## what statistics, profile and trace points cost
	@python3 bench/insight_cost.py

install: all ## libraries and headers below PREFIX (/usr/local), DESTDIR honoured
	@cmake --install build --prefix "$(or $(PREFIX),/usr/local)"
	@[ -n "$(DESTDIR)" ] || [ "$$(id -u)" != 0 ] || ldconfig

uninstall: ## takes away what make install with the same PREFIX and DESTDIR put there
	@cmake/uninstall build "$(or $(PREFIX),/usr/local)"
.PHONY: uninstall

clean: ## what building left
	@rm -rf build build-debug build-asan build-tsan build-memcheck

release: all ## the releases in one file, in build/release: tarn_quick.c and tarn_all.c
	@ls -l build/release
.PHONY: release

check-deb: deps ## Debian packages: built, looked at by lintian, installed, used and purged in a system of their own
	@./cmake/install-missing-packages packages-deb.txt
	@cmake/check-deb
.PHONY: check-deb

symbols: all ## debian/libtarn1.symbols as the library is now
	@python3 tests/package/packaging.py . build/libtarn.so build/tests/package build --write
.PHONY: symbols
check-debug: deps ## the whole suite with every invariant checked at every slow path
	@cmake --preset debug >/dev/null && cmake --build --preset debug && ctest --test-dir build-debug --output-on-failure -j 2

check-asan: deps ## the suite under AddressSanitizer and UndefinedBehaviorSanitizer
	@cmake --preset asan >/dev/null && cmake --build --preset asan && ASAN_OPTIONS=detect_leaks=0 ctest --test-dir build-asan --output-on-failure -j 2

check-tsan: deps ## the suite under ThreadSanitizer
	@cmake --preset tsan >/dev/null && cmake --build --preset tsan && ctest --test-dir build-tsan --output-on-failure -j 2

soak: all ## threads that allocate, check and free for SECONDS_TO_SOAK (1800): memory must not grow
	@LD_PRELOAD=$(CURDIR)/build/libtarn.so build/tests/threads/soak $(or $(SECONDS_TO_SOAK),1800) 6

forks: all ## FORKS (100000) forks while four threads allocate; every child allocates and starts threads
	@LD_PRELOAD=$(CURDIR)/build/libtarn.so TARN_TEST_SUBJECT=$(CURDIR)/build/libtarn.so build/tests/threads/fork_churn 4 $(or $(FORKS),100000)
.PHONY: check-debug check-asan check-tsan soak forks

fuzz-persist: all ## libFuzzer on images and their journals (SECONDS_TO_FUZZ, 60)
	@cmake --build --preset release --target fuzz-persist >/dev/null && mkdir -p build/fuzz-persist
	@build/tests/persist/fuzz_replay tests/persist/fuzz_cases.txt build/fuzz-persist
	@build/tests/persist/fuzz -max_total_time=$(or $(SECONDS_TO_FUZZ),60) -max_len=240 -len_control=20 \
		-artifact_prefix=build/fuzz-persist/ build/fuzz-persist 2>&1 | tail -3
.PHONY: fuzz-persist

memcheck: deps ## in build-memcheck, a library that tells Valgrind and AddressSanitizer of every block
	@cmake -S . -B build-memcheck -G Ninja -DTARN_MEMCHECK=ON -DTARN_TESTS=OFF >/dev/null && ninja -C build-memcheck libtarn.so
.PHONY: memcheck

check-aarch64: deps ## the libraries for AArch64, and tests of each face under qemu-user, at length
	@mkdir -p build && tests/ports/aarch64 $(CURDIR) $(CURDIR)/build/aarch64 10
.PHONY: check-aarch64
