#!/bin/sh
# On an allocator that hands out blocks twice a case must end with status 1 and name the damage.
set -u
preload=$1 program=$2 case=$3
said=$(LD_PRELOAD=$preload "$program" "$case" --percent 1 2>&1 >/dev/null)
status=$?
[ "$status" = 1 ] || { echo "status $status: $said"; exit 1; }
case $said in
*"does not hold what was written"* | *"calloc gave a block"*) exit 0 ;;
esac
echo "said: $said"
exit 1
