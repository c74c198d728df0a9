#!/bin/sh
# The idle test, a tenth of its size: all stages are told, and the peak lies above what is live.
set -eu
"$1" 10 | awk -F': ' '
    { value[$1] = $2; stages++ }
    END { exit !(stages == 7 && value["peak"] > value["live"] && value["floor"] > value["live"]) }'
