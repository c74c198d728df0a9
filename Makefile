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
