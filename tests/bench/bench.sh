#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# bench.sh PROGRAM [MIB] - how fast darn is, beside what people use today.
#
# Each comparison runs its two commands in turn, REPS times, on data of MIB
# MiB (default 1024) that lie in the page cache, and prints the median time of
# each, its rate and the ratio of the medians.  Figures of one run belong to
# one machine; only the ratios travel.  Measures, and asserts nothing.
set -eu

DARN=$(realpath "${1:?usage: bench.sh PROGRAM [MIB]}")
MIB=${2:-1024}
REPS=${REPS:-5}
CPUS=$(nproc)
LIB=${LIB:-build/release/libdarn.a}
top=$(pwd)
# shellcheck source=tests/stores/pg.sh
. tests/stores/pg.sh

# Not /tmp where that is a memory file system that cannot hold it.
work=$(TMPDIR=${TMPDIR:-/var/tmp} pg_workdir)
cleanup() {
	pg_stop "$work/cluster" immediate || :
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

# Both sides of a comparison run as the user that owns the cluster.
cp "$DARN" "$work/darn"
export DARN_STATE_DIR="$work/state"

# timed FILE COMMAND... - appends the seconds it took to FILE
timed() {
	into=$1
	shift
	began=$(date +%s%N)
	"$@" >"$work/out" 2>&1 || {
		status=$?
		echo "bench: '$*' gave exit $status:" >&2
		tail -n 5 "$work/out" >&2
		exit 1
	}
	ended=$(date +%s%N)
	echo "$(((ended - began) / 1000))" >>"$into"
}

median() {
	sort -n "$1" | awk '{ t[NR] = $1 }
	END { print int((t[int((NR + 1) / 2)] + t[int(NR / 2) + 1]) / 2) }'
}

# compare TITLE BYTES 'COMMAND A' 'COMMAND B' - A beside B
compare() {
	rm -f "$work/a" "$work/b"
	# one round that does not count fills the page cache
	i=0
	while [ $i -le "$REPS" ]; do
		[ $i -ne 1 ] || rm -f "$work/a" "$work/b"
		timed "$work/a" pg_as sh -c "$3"
		timed "$work/b" pg_as sh -c "$4"
		i=$((i + 1))
	done
	echo
	echo "$1 ($REPS pairs)"
	for side in a b; do
		[ $side = a ] && command=$3 || command=$4
		awk -v us="$(median "$work/$side")" -v bytes="$2" \
			-v command="$command" -v work="$work/" 'BEGIN {
			gsub(work, "", command)
			printf "  %7.3f s  %6.2f GB/s  %s\n", us / 1e6,
			       bytes / us / 1e3, command }'
	done
	awk -v a="$(median "$work/a")" -v b="$(median "$work/b")" 'BEGIN {
		printf "  %.2f times as fast\n", b / a }'
}

skip() {
	echo
	echo "$1: not measured: $2"
}

echo "darn bench: $CPUS processors," \
	"$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)"
"$DARN" -V | sed 's/^/  /'
echo "  page cache warm, median of $REPS, GB = 10^9 bytes"

# ---- one large file ----

file=$work/data/file
mkdir "$work/data"
head -c $((MIB << 20)) /dev/urandom >"$file"
touch -d '1 hour ago' "$file"
chmod -R a+rX "$work"
mkdir "$work/state"
[ "$(id -u)" -ne 0 ] || chown -R "$PG_USER:" "$work"
bytes=$((MIB << 20))
seal="$work/darn seal --manifest $work/seal $work/data"
scan="$work/darn scan --manifest $work/seal $work/data"

if command -v xxhsum >/dev/null; then
	compare "seal, beside xxhsum" $bytes "rm -f $work/seal; $seal" \
		"xxhsum -H2 $file"
	compare "scan of sealed files, beside xxhsum" $bytes "$scan" \
		"xxhsum -H2 $file"
else
	skip "seal and scan beside xxhsum" "it is not installed"
	pg_as sh -c "$seal" >/dev/null
fi
if command -v b3sum >/dev/null; then
	compare "scan of sealed files, beside b3sum" $bytes "$scan" \
		"b3sum --num-threads $CPUS $file"
else
	skip "scan beside b3sum" "it is not installed"
fi
compare "twice as many workers as processors, beside one" $bytes \
	"$scan -j $((2 * CPUS))" "$scan -j 1"
rm -rf "$work/data" "$work/seal"

# ---- a PostgreSQL cluster ----

if pg_available; then
	pg_init "$work/cluster" -k
	# darn reads the log, too, so let there be little of it
	echo 'max_wal_size = 64MB' >>"$work/cluster/postgresql.conf"
	pg_start "$work/cluster"
	# pgbench makes some 15 MiB for each unit of its scale
	pg_as "$PG_BIN/pgbench" -h "$work/cluster.run" -p "$PG_PORT" \
		-U postgres -i -q -s $((MIB / 15 + 1)) postgres 2>/dev/null
	pg_query "$work/cluster" postgres -c checkpoint
	pg_stop "$work/cluster"
	blocks=$(pg_as "$PG_BIN/pg_checksums" --check -D "$work/cluster" |
		sed -n 's/^Blocks scanned: *//p')
	bytes=$((blocks * 8192))
	compare "scan of a PostgreSQL cluster, beside pg_checksums" $bytes \
		"$work/darn scan $work/cluster" \
		"$PG_BIN/pg_checksums --check -D $work/cluster"
	echo "  (rates count the checked pages; darn reads the WAL as well)"
	compare "a PostgreSQL cluster: twice the processors, beside one worker" \
		$bytes "$work/darn scan -j $((2 * CPUS)) $work/cluster" \
		"$work/darn scan -j 1 $work/cluster"
else
	skip "scan of a PostgreSQL cluster" "PostgreSQL 15 is not installed"
fi

# ---- the hashes alone ----

echo
echo "hashes, one thread"
# shellcheck disable=SC2046 # a list of options
"${CC:-gcc}" -std=c11 -O2 -D_GNU_SOURCE "-I$top" \
	-o "$work/bench_hash" tests/bench/bench_hash.c "$LIB" \
	$(pkg-config --libs libxxhash libisal libzstd jansson sqlite3) -pthread
"$work/bench_hash" | sed 's/^/  /'

skip "more reads in flight on a slow disk" "this script has no device with a
  latency of its own; compare darn scan --io-depth 1 and 32 on yours"
