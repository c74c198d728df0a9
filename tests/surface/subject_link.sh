#!/bin/sh
# Links programs of this room statically with the archive, so that it takes the C library's place, and
# runs them. Usage: subject_link.sh COMPILER ARCHIVE SOURCES-FOLDER SCRATCH PROGRAM[:ARG...]...
set -eu
compiler=$1 archive=$2 sources=$3 scratch=$4
shift 4
command -v "$compiler" >/dev/null 2>&1 || {
    echo "skipped: $compiler is not on this machine" >&2
    exit 77
}
mkdir -p "$scratch"
for entry in "$@"; do
    name=${entry%%:*}
    arguments=$(echo "$entry" | tr ':' ' ' | cut -s -d ' ' -f 2-)
    "$compiler" -static -std=c11 -O2 -D_GNU_SOURCE -fno-builtin \
        -Werror=implicit-function-declaration -I"$sources/.." "$sources/$name.c" "$archive" \
        -pthread -o "$scratch/$name" 2>"$scratch/$name.log" || {
        cat "$scratch/$name.log" >&2
        echo "$name: does not link" >&2
        exit 1
    }
    # The archive's own internals must be in the program, or the C library's malloc was tested.
    nm "$scratch/$name" | grep -q ' [TtDdBb] tn_' || {
        echo "$name: the archive was not used" >&2
        exit 1
    }
    # shellcheck disable=SC2086
    TARN_TEST_SUBJECT= "$scratch/$name" $arguments || {
        echo "$name: ended with $?" >&2
        exit 1
    }
done
