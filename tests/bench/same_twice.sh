#!/bin/sh
# Counting instructions is exact: two counts are the same to the last digit.
set -eu
first=$("$1" --only pair-64)
second=$("$1" --only pair-64)
[ -n "$first" ]
[ "$first" = "$second" ] || { echo "$first, then $second"; exit 1; }
