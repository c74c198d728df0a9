#!/bin/sh
# Builds the engine's, the pools' or the images' tests a second time, under a sanitizer or with every
# invariant checked, and runs them for some seconds; ALL as the last word: every test of that build. Usage:
# second_build.sh SOURCE FOLDER BUILD-TYPE SANITIZERS|none [ALL]
set -eu
source=$1 folder=$2 type=$3 sanitizers=$4 all=${5-}
[ "$sanitizers" != none ] || sanitizers=
log=$folder/build.log
mkdir -p "$folder"
targets='heap-churn heap-heaps heap-remote heap-offers pool-pool_threads pool-pool_model persist-kill persist-reopen'
[ "$sanitizers" = thread ] || targets='persist-kill persist-reopen persist-basics persist-pools_kept persist-damage
    persist-order persist-fuzz_replay'
[ -z "$all" ] || targets=all
# The outer build's jobs are no concern of the inner one's.
unset MAKEFLAGS MAKELEVEL
{
    cmake -S "$source" -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE="$type" -DTARN_WERROR=OFF \
        -DTARN_CHECKS=$([ "$sanitizers" = thread ] && echo OFF || echo ON) \
        -DTARN_SANITIZE="$sanitizers" &&
        # shellcheck disable=SC2086
        cmake --build "$folder" -- -j2 $targets
} >"$log" 2>&1 || { tail -40 "$log"; exit 1; }
export TSAN_OPTIONS=halt_on_error=1:exitcode=66
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
if [ -n "$all" ]; then
    exec ctest --test-dir "$folder" --output-on-failure -j2
fi
cd "$folder/tests"
scratch=/dev/shm/tarn-sanitized-$$
trap 'rm -f "$scratch"*' EXIT
persist/reopen "$scratch" 60 1
persist/kill "$scratch" 10 1
if [ "$sanitizers" != thread ]; then
    persist/basics "$scratch"
    persist/pools_kept "$scratch"
    persist/damage "$scratch" 20 1
    persist/order "$scratch"
    persist/fuzz_replay "$source/tests/persist/fuzz_cases.txt"
    exit 0
fi
heap/churn 4000
heap/heaps
heap/remote
heap/offers
pool/pool_model 1
pool/pool_threads
