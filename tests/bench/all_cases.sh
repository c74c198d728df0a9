#!/bin/sh
# Every case of a benchmark program, at a hundredth of its work, twice: it must succeed and give the
# same answer both times.
set -eu
program=$1
cases=$("$program" --list | cut -d' ' -f1)
[ -n "$cases" ]
for name in $cases; do
    first=$("$program" "$name" --percent 1) || { echo "$name failed"; exit 1; }
    second=$("$program" "$name" --percent 1 --threads 2)
    [ "$first" = "$second" ] || { echo "$name: $first, then $second"; exit 1; }
    [ "${first%% *}" = "$name" ]
done
"$program" no-such-case 2>/dev/null && { echo "a case that is not there ran"; exit 1; }
"$program" "$name" --percent nothing 2>/dev/null && { echo "a bad percentage was taken"; exit 1; }
exit 0
