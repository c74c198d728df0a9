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

crash: all ## ten thousand kills, power losses and damaged files (about an hour)
	@build/tests/persist/kill build/crash.tarn 4000 101
	@build/tests/persist/kill build/crash.tarn 2000 102 process
	@build/tests/persist/kill build/crash.tarn 1000 103 page-map
	@build/tests/persist/kill /dev/shm/tarn-crash.tarn 3000 104
	@build/tests/persist/faults /dev/shm/tarn-crash.tarn process
	@for seed in 1 2 3 4 5 6 7 8; do build/tests/persist/power /dev/shm/tarn-crash.tarn 60 $$seed || exit 1; done
	@build/tests/persist/damage /dev/shm/tarn-crash.tarn 100000 105
	@build/tests/persist/reopen /dev/shm/tarn-crash.tarn 20000 106

bench-persist: all ## images: allocation, opening, commits, beside SQLite and LMDB
	@build/bench/persist/persist build/bench-persist.tarn
.PHONY: crash bench-persist
