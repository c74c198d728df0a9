#!/bin/sh
# The job of `make run` for images: an index over the machine's documents, its builder killed half-way
# and resumed, then asked by another process; beside building it without being disturbed.
#
#     words.sh PROGRAM [FOLDER [FILES]]
set -eu
program=$1
folder=${2:-/usr/share}
half=${3:-1500}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$program" build "$scratch/words.tarn" "$folder" die-after "$half" || echo "killed after $half files"
"$program" build "$scratch/words.tarn" "$folder"
"$program" find "$scratch/words.tarn" allocator memory lake
echo "undisturbed, from scratch:"
"$program" build "$scratch/again.tarn" "$folder"
