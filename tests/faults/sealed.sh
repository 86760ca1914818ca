# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# sealed.sh - a small sealed tree, a backup of it, and what damage makes of
# it: blocks overwritten, a tail cut off, a file gone.  Sourced after lib.sh.

# make_sealed: $T/new is the tree as it should be, $T/old what damage left
# (modification times put back), $T/backup the backup, $T/seal the seal of
# $T/tree.
make_sealed() {
	mkdir -p "$T/tree/sub"
	python3 - "$T/tree" <<'EOF'
import random, sys
random.seed(2)
for name, size in (("a.bin", 49152), ("sub/b.bin", 20603), ("gone.bin", 8192)):
    with open(f"{sys.argv[1]}/{name}", "wb") as f:
        f.write(random.randbytes(size))
EOF
	find "$T/tree" -exec touch -d 2020-01-01T00:00:00Z {} +
	"$DARN" seal --manifest "$T/seal" "$T/tree" >"$T/out" 2>&1 || {
		cat "$T/out"
		die 'cannot seal'
	}
	cp -a "$T/tree" "$T/new"
	cp -a "$T/tree" "$T/backup"
	cp -a "$T/tree" "$T/old"
	for at in 4096 20480 24576; do
		printf 'rotten' | dd of="$T/old/a.bin" bs=1 seek=$at \
			conv=notrunc status=none
	done
	truncate -s 9000 "$T/old/sub/b.bin"
	rm "$T/old/gone.bin"
	find "$T/old" -exec touch -d 2020-01-01T00:00:00Z {} +
}

# put TREE: makes $T/tree a fresh copy of it and forgets all earlier repairs
put() {
	rm -rf "$T/tree" "$T/state"
	cp -a "$1" "$T/tree"
}

same() {
	diff -r "$1" "$2" >"$T/diff" 2>&1 || {
		cat "$T/diff"
		return 1
	}
}

repair() {
	"$@" "$DARN" repair --yes -j0 --manifest "$T/seal" \
		--unchanged-since-seal "$T/tree" --from "$T/backup"
}
