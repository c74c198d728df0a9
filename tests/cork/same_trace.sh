#!/bin/sh
# Two programs print the same, and something. Usage: same_trace.sh OURS THEIRS
set -eu
ours=$(mktemp) theirs=$(mktemp)
trap 'rm -f "$ours" "$theirs"' EXIT
"$1" >"$ours"
"$2" >"$theirs"
[ "$(grep -c done "$ours")" -gt 1000 ]
cmp "$ours" "$theirs"
