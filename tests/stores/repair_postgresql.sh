#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A damaged cluster is repaired from a snapshot and from a copy of the same
# shutdown, byte for byte; the server starts and every table is what it was.
# An older backup never puts anything stale back.
. tests/stores/lib.sh
. tests/stores/pg.sh
data=$(dataset postgresql) || exit 1
C=$T/cluster

plant() {
	python3 - "$data" "$T" "$1" <<'EOF' || die 'cannot plant the damage'
import sys
sys.path.insert(0, "tests/stores")
import damage_postgresql as d
c = d.Cluster.__new__(d.Cluster)
c.root, c.rel, c.expected = sys.argv[2] + "/cluster", {}, []
with open(sys.argv[1] + "/RELATIONS") as f:
    for line in f:
        name, kind, am, path, blocks = line.split()
        c.rel.setdefault(name, (path, int(blocks), am))
d.plant_pages(c)
d.plant_files(c)
if sys.argv[3] == "keys":
    d.plant_keys(c)
EOF
}

same() {
	# the link to the tablespace is relative to the cluster, by name
	diff -r -x pg_tblspc "$1" "$2" >"$T/diff" 2>&1 || {
		cat "$T/diff"
		return 1
	}
}

fresh() {
	rm -rf "$C" "$C.ts" "$T/damaged" "$T/damaged.ts"
	pg_copy "$data/clean" "$C"
}

# trial NAME CONTROL SOURCE
trial() {
	plant "$2"
	# Without the control file nobody can say whether a file is missing;
	# once it is back, the next round can.
	[ "$2" = keys ] && blind=8 || blind=0
	cp -a "$C" "$T/damaged"
	cp -a "$C.ts" "$T/damaged.ts"
	expect_exit $((4 + blind)) "$DARN" repair "$C" --from "$3"
	same "$C" "$T/damaged" || die "$1: written without --yes"
	# as JSON and, below, as text: the same exit status
	expect_exit 1 "$DARN" repair --yes --json "$C" --from "$3"
	journal=$(sed -n 's/.*"type":"journal","journal":"\([^"]*\)".*/\1/p' \
		"$T/out" | head -n 1)
	same "$C" "$data/clean" && same "$C.ts" "$data/clean.ts" ||
		die "$1: not as it was"
	expect_exit 0 "$DARN" undo --yes "$journal"
	same "$C" "$T/damaged" && same "$C.ts" "$T/damaged.ts" ||
		die "$1: undo did not put everything back"
	expect_exit 1 "$DARN" repair --yes "$C" --from "$3"
	same "$C" "$data/clean" && same "$C.ts" "$data/clean.ts" ||
		die "$1: not as it was after undo and repair"
	expect_exit 0 "$DARN" scan "$C"
	chown -R --reference="$C" "$C.ts"
	pg_start "$C" && pg_digest "$C" >"$T/digest" && pg_stop "$C" ||
		die "$1: the server does not run"
	diff "$data/EXPECT" "$T/digest" || die "$1: rows differ"
	echo "$1: byte for byte, undone, repaired again, every row is there"
}

fresh
expect_exit 0 "$DARN" snapshot create --repo "$T/repo" "$C"
trial 'snapshot of the same shutdown' no "$T/repo"
fresh
trial 'copy of the same shutdown' no "$data/clean"
fresh
trial 'snapshot, control file and map damaged too' keys "$T/repo"

# A relation that is gone leaves forks that no check can decide about; once it
# is back there is nothing suspicious, and the exit status says so.
fresh
rm "$C/base/5/2838"
expect_exit 6 "$DARN" scan "$C"
grep -q 'suspicious postgresql/fork-alone' "$T/out" || die 'no fork alone'
expect_exit 1 "$DARN" repair --yes "$C" --from "$data/clean"
same "$C" "$data/clean" || die 'the relation is not back'
echo 'a relation with forks: back, and nothing suspicious is left'

rm -rf "$C" "$C.ts"
PYTHONPATH=tests/stores PYTHONDONTWRITEBYTECODE=1 \
	python3 tests/stores/repair_postgresql.py "$DARN" "$data" "$T"
