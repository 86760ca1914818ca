#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A "snapshot create" that is killed or refused at any writing call never harms
# an older snapshot, and the next one gets through.
. tests/faults/lib.sh
. tests/faults/sealed.sh
make_sealed
"$DARN" snapshot create --repo "$T/repo.older" "$T/tree" >"$T/out" 2>&1 || {
	cat "$T/out"
	die 'cannot make the first snapshot'
}
older=$("$DARN" snapshot list --json --repo "$T/repo.older" |
	sed -n 's/.*"type":"snapshot".*"id":"\([0-9a-f]*\)".*/\1/p')
[ -n "$older" ] || die 'no id in the list of snapshots'
python3 - "$T/tree/a.bin" <<'EOF'
import random, sys
random.seed(3)
with open(sys.argv[1], "r+b") as f:
    f.seek(8192)
    f.write(random.randbytes(8192))
EOF
touch -d 2021-01-01T00:00:00Z "$T/tree/a.bin"

prepare() {
	rm -rf "$T/repo" "$T/state"
	cp -a "$T/repo.older" "$T/repo"
}

command_line() {
	shimmed "$DARN" snapshot create -j0 --repo "$T/repo" "$T/tree"
}

# restores ID TREE: does the snapshot give back the tree, byte for byte?
restores() {
	rm -rf "$T/restored"
	"$DARN" snapshot restore --repo "$T/repo" --to "$T/restored" "$1" \
		>>"$T/out" 2>&1 && same "$T/restored" "$2"
}

after_point() {
	case "$1" in
	enospc | erofs | eio) failed_well || return 1 ;;
	esac
	"$DARN" snapshot verify --repo "$T/repo" >>"$T/out" 2>&1 || return 1
	restores "$older" "$T/new" || return 1
	"$DARN" snapshot create --repo "$T/repo" "$T/tree" >>"$T/out" 2>&1 &&
		"$DARN" snapshot verify --repo "$T/repo" >>"$T/out" 2>&1 &&
		restores latest "$T/tree"
}

sweep 'snapshot create' kill after tear enospc erofs eio
