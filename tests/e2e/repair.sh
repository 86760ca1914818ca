#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# repair and undo as they are typed: what is shown, written, refused and put
# back.  Real servers: tests/stores; killed repairs: tests/faults.
. tests/e2e/lib.sh
requires python3 diff

# A sealed tree, a backup of it, and damage that leaves the times alone.
python3 - "$T" <<'EOS'
import os, random, sys
random.seed(11)
tree = sys.argv[1] + "/tree"
os.makedirs(tree + "/sub dir")
for name, size in (("a.bin", 50000), ("sub dir/b.bin", 9000), ("gone", 5000)):
    with open(f"{tree}/{name}", "wb") as f:
        f.write(random.randbytes(size))
with open(os.fsencode(tree) + b"/odd\xff\n", "wb") as f:
    f.write(random.randbytes(6000))
EOS
find "$T/tree" -exec touch -d 2024-02-03T04:05:06.789Z {} +
exits 0 seal "$T/tree"
cp -a "$T/tree" "$T/good"
spoil() {
	rm -rf "$T/tree" "$T/spoiled"
	cp -a "$T/good" "$T/tree"
	printf 'rotten' | dd of="$T/tree/a.bin" bs=1 seek=5000 conv=notrunc \
		status=none
	for f in "$T"/tree/odd*; do
		printf 'rotten' | dd of="$f" bs=1 seek=9 conv=notrunc \
			status=none
	done
	find "$T/tree" -type f -exec touch -d 2024-02-03T04:05:06.789Z {} +
	cp -a "$T/tree" "$T/spoiled"
}
same() { diff -r "$1" "$2" >"$T/diff"; }
differ() { ! same "$1" "$2"; }
facts() { (cd "$1" && find . -type f -printf '%P %T@ %m %U %s\n' | sort); }
same_times() { [ "$(facts "$1")" = "$(facts "$2")" ]; }
journal() {
	sed -n 's/.*"type":"journal","journal":"\([^"]*\)".*/\1/p' "$T/out"
}

usage_error 'operand is missing' repair --from "$T/good"
usage_error 'no source' repair "$T/tree"
usage_error 'is the target itself' repair "$T/tree" --from "$T/tree"
usage_error 'lies in the target' repair "$T/tree" --from "$T/tree/sub dir"
usage_error 'holds the target' repair "$T/tree" --from "$T"
usage_error 'takes PATH' repair --apply x "$T/tree"
usage_error 'not a percentage' repair --max-repair 0% "$T/tree" --from "$T/good"
usage_error 'cannot open the plan' repair --apply "$T/nothing"
cp -al "$T/tree" "$T/linked"
usage_error 'shares' repair "$T/tree" --from "$T/linked"
rm -rf "$T/linked"

exits 0 repair "$T/tree" --from "$T/good"
says '^nothing to repair in [^ ]*/tree$'

spoil
exits 4 repair --dry-run "$T/tree" --from "$T/good"
says 'a.bin:4096\+4096 damaged sealed/bit-rot exact restore-extent: '
says '^next: darn repair --yes [^ ]*/tree --from [^ ]*/good$'
cp "$T/out" "$T/dry"
exits 4 repair -n --max-repair 9 --accept=probable --unchanged-since-seal \
	"$T/tree" --from "$T/good"
says '^next: .* --max-repair 9 --unchanged-since-seal --accept=probable$'
exits 0 snapshot create --repo "$T/repo" "$T/good"
exits 4 repair -n "$T/tree" --from "$T/repo"
says 'unknown leave: .*/repo: has no snapshot of .*/tree'
mkdir "$T/none"
exits 4 repair -n "$T/tree" --from "$T/none"
says '^next: darn repair --dry-run [^ ]*/tree --from ANOTHER-SOURCE$'
exits 4 repair "$T/tree" --from "$T/good"
complains 'nothing is written without --yes'
check 'the plan is the one of the dry run' cmp -s "$T/out" "$T/dry"
check 'nothing was written' same "$T/tree" "$T/spoiled"
check 'a plan has no journal' \
	test -z "$(find "$T/state" -name '*.journal')"

exits 1 repair --yes --json "$T/tree" --from "$T/good"
valid_json "$T/out"
first=$(journal)
check 'the path of the journal is told' test -s "$first"
check 'every byte is back' same "$T/tree" "$T/good"
check 'times, owners and modes stayed' same_times "$T/tree" "$T/good"
exits 0 scan "$T/tree"
exits 4 undo "$first"
says 'to put back: 2 units'
says '^next: darn undo --yes [^ ]*\.journal$'
check 'undo asks first' same "$T/tree" "$T/good"
exits 0 undo --yes --json "$first"
valid_json "$T/out"
check 'undo puts everything back' same "$T/tree" "$T/spoiled"
check 'with its times' same_times "$T/tree" "$T/spoiled"
exits 0 undo --yes "$first"
says 'undone before'

exits 1 repair -y "$T/tree" --from "$T/good"
spoiler=$(find "$T/state/journals" -name '*.journal' ! -path "$first")
printf x | dd of="$T/tree/a.bin" bs=1 seek=6000 conv=notrunc status=none
exits 8 undo --yes "$spoiler"
complains 'neither what the repair wrote'
cp "$spoiler" "$T/flipped"
printf x | dd of="$T/flipped" bs=1 seek=300 conv=notrunc status=none
exits 8 undo --yes "$T/flipped"
complains 'is damaged at byte'

# A plan is saved, carried away and carried out.
spoil
mkfifo "$T/fifo"
exits 8 repair --yes --plan "$T/fifo" "$T/tree" --from "$T/good"
complains 'is no plain file'
check 'a plan takes the place of plain files only' test -p "$T/fifo"
exits 4 repair --plan "$T/plan" "$T/tree" --from "$T/good"
(cd / && exits 1 repair --yes --apply "$T/plan") || exit 1
check 'a saved plan does the same' same "$T/tree" "$T/good"
exits 4 repair --yes --apply "$T/plan"
says 'changed since the plan was made'
sed 's/"offset":4096/"offset":8192/' "$T/plan" >"$T/edited"
exits 8 repair --yes --apply "$T/edited"
complains 'damaged or was edited'

# What is not proven.
spoil
touch "$T/tree/a.bin"
exits 0 scan --include a.bin "$T/tree"
rm "$T/tree/gone"
run repair --yes "$T/tree" --from "$T/good"
says 'gone:0\+5000 .* probable leave: .*deleted on purpose'
check 'a missing file may be gone on purpose' test ! -e "$T/tree/gone"
exits 1 repair --yes --unchanged-since-seal "$T/tree" --from "$T/good"
check 'vouched for, all of it comes back' same "$T/tree" "$T/good"
check 'with the times of the seal' same_times "$T/tree" "$T/good"

spoil
exits 12 repair --yes --max-repair 1 "$T/tree" --from "$T/good"
says 'larger than --max-repair'
check 'too many are none' same "$T/tree" "$T/spoiled"
ln "$T/tree/a.bin" "$T/kept"
exits 5 repair --yes "$T/tree" --from "$T/good"
says 'more than one name'
check 'another name is spared' cmp -s "$T/kept" "$T/spoiled/a.bin"
rm "$T/kept"
printf 'other' | dd of="$T/good/a.bin" bs=1 seek=5000 conv=notrunc status=none
exits 4 repair --yes "$T/tree" --from "$T/good"
says 'a.bin:4096\+4096 .* stale leave: '
check 'a rotten backup is no medicine' differ "$T/tree" "$T/good"

# A journal inside what it mends would be one more file of the store.
rm -rf "$T/tree"
cp -a "$T/good" "$T/tree"
exits 0 seal --manifest "$T/inside.seal" "$T/tree"
spoil
STATUS=0
DARN_STATE_DIR=$T/tree/state "$DARN" repair --yes --manifest "$T/inside.seal" \
	"$T/tree" --from "$T/good" >"$T/out" 2>"$T/err" || STATUS=$?
check 'a state directory inside the target is refused' \
	test "$((STATUS & 8))" -eq 8
complains 'lies inside'
