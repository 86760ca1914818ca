#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Healthy clusters, of several configurations, have no findings: cleanly
# stopped, crashed, a base backup, without checksums, a standby, killed while an
# index was made.  Every file has a name.
. tests/stores/lib.sh
. tests/stores/pg.sh
data=$(dataset postgresql) || exit 1

summary() {
	"$DARN" scan --json --reproducible -v "$1" >"$T/json" 2>"$T/err"
	echo $? >"$T/status"
}

healthy() {
	summary "$1"
	python3 - "$T/json" "$(cat "$T/status")" "${1##*/}" <<'EOF' || die "$1 is not healthy"
import json, sys
records = [json.loads(line) for line in open(sys.argv[1])]
# a killed server may leave the last record of its log half written
normal = ("info", "torn") if sys.argv[3] == "crashed" else ("info",)
found = [r for r in records if r["type"] == "finding"
         and r["severity"] not in normal]
errors = [r for r in records if r["type"] == "error"]
last = records[-1]
for r in found + errors:
    print(r)
unnamed = [r["path"] for r in records if r["type"] == "file"
           and r["bytes"] and not r["format"] and not r["reason"]]
print(sys.argv[3], "exit", sys.argv[2], last["bytes"])
b = last["bytes"]
assert not found and not errors and not unnamed, unnamed
assert sys.argv[2] == "0" and last["exit"] == 0 and last["findings"] == last["torn"]
assert b["verified"] + b["damaged"] + b["unverified"] + b["skipped"] == b["total"]
assert b["damaged"] == b["skipped"] == b["missing"] == 0
if sys.argv[3] != "nosums":
    assert b["verified"] > b["total"] * 0.6, b
EOF
	tail -n 1 "$T/json"
}

for cluster in clean crashed base nosums; do
	healthy "$data/$cluster"
done

# A standby has the unlogged tables of its primary as _init forks only.
pg_copy "$data/base" "$T/standby"
pg_as touch "$T/standby/standby.signal"
pg_start "$T/standby"
pg_stop "$T/standby"
healthy "$T/standby"

# The pages of an index are written before the log of them is.
pg_copy "$data/clean" "$T/index"
cat >>"$T/index/postgresql.conf" <<EOF
wal_writer_delay = 10s
wal_buffers = 8MB
EOF
pg_start "$T/index"
{
	echo "begin; create index on orders (note, id);"
	echo "select 'made'; select pg_sleep(60);"
} | pg_query "$T/index" shop >"$T/out" 2>/dev/null &
until grep -q made "$T/out"; do
	sleep 0.1
done
pg_kill "$T/index"
rm "$T/index/postmaster.pid"
healthy "$T/index"
