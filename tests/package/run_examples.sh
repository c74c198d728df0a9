#!/bin/sh
# run_examples.sh BUILD SCRATCH: every example, with its answers.
set -eu
examples=$1/examples
scratch=$2
rm -rf "$scratch"
mkdir -p "$scratch/folder"
cd "$scratch"

"$examples/order_book" 50000 >said
awk '/volume/ { sub(/.*volume /, ""); volumes[$1]; lines++ } END { n = 0; for (v in volumes) n++; exit !(lines == 2 && n == 1) }' said
"$examples/requests" 1000 | grep -q '^990 of 1000 requests answered, 10 refused'
"$examples/packets" | grep -q 'bytes are enough for 8 packets'

"$examples/visits" visits.tarn ann bob >said
[ "$("$examples/visits" visits.tarn ann)" = "ann 2
bob 1" ]
if "$examples/visits" visits.tarn bob '' 2>said; then exit 1; fi
grep -q 'does not count' said
[ "$("$examples/visits" visits.tarn)" = "ann 2
bob 1" ]

words=$1/bin/words
printf 'lake lake mountain\n' >folder/one
printf 'mountain pool\n' >folder/two
"$words" build words.tarn folder | grep -q '3 words in 4 places of 2 files'
"$words" find words.tarn lake mountain nothing >said
grep -q '^lake: 1 files' said
grep -q '^mountain: 2 files' said
grep -q '^nothing: 0 files' said
echo "every example gave its answers"
