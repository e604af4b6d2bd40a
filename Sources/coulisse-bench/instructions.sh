#!/usr/bin/env bash
# Counts the instructions of the fixed workloads, as the difference of N and 2N operations, and compares them with the
# committed numbers beside this file. Times on a shared machine say nothing; instructions hardly vary.
#
#   instructions.sh BENCHMARK [--update]
#
# A difference of more than a tenth fails: dearer is a regression, cheaper is a reason to commit the new number.
set -euo pipefail
benchmark=$1
here=$(cd "$(dirname "$0")" && pwd)
numbers=$here/instructions.txt
tolerance=10

if ! command -v valgrind >/dev/null; then
  echo "instructions: skipped, valgrind is not installed and can't be had here" >&2
  exit 0
fi

# valgrind can't read Swift's debug information; names are all that it needs.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
strip --strip-debug -o "$folder/benchmark" "$benchmark"

# What hashing and thread scheduling would vary is fixed or too small to matter; a database in memory needs no disk.
export SWIFT_DETERMINISTIC_HASHING=1 TMPDIR=$folder
[ -w /dev/shm ] && export TMPDIR=/dev/shm

count() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$folder/benchmark" --count "$1" "$2" 2>&1 >/dev/null |
    sed -n 's/,//g; s/.*Collected : //p'
}

failed=0
measured=""
for workload in transition park read; do
  n=20
  one=$(count "$workload" $n)
  two=$(count "$workload" $((2 * n)))
  each=$(((two - one) / n))
  measured+="$workload $each"$'\n'
  if [ "${2:-}" = "--update" ]; then
    echo "$workload: $each instructions"
    continue
  fi
  known=$(sed -n "s/^$workload //p" "$numbers")
  percent=$(((each - known) * 100 / known))
  echo "$workload: $each instructions, $percent % from the committed $known"
  if [ $percent -gt $tolerance ]; then
    echo "  dearer by more than $tolerance %: find out why, or commit the number if it is worth it (make instructions-update)" >&2
    failed=1
  elif [ $percent -lt -$tolerance ]; then
    echo "  cheaper by more than $tolerance %: commit the new number (make instructions-update)" >&2
    failed=1
  fi
done
if [ "${2:-}" = "--update" ]; then printf %s "$measured" >"$numbers"; fi
exit $failed
