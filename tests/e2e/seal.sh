#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# seal.sh - "darn seal", and "darn scan" afterwards: what rotted is told from
# what changed; a manifest that is damaged vouches for nothing.
. tests/e2e/lib.sh
cd "$T" || exit 1

# fresh DIR - three files, long since written
fresh() {
	rm -rf "$1"
	mkdir -p "$1/sub"
	head -c 3000000 /dev/zero | tr '\0' 'a' >"$1/big"
	seq 1000 >"$1/sub/numbers"
	: >"$1/sub/empty"
	find "$1" -type f -exec touch -d 2020-01-01T00:00:00Z {} +
}
# rot FILE OFFSET - one byte, time stamp as before
rot() {
	printf '\377' | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
	touch -d 2020-01-01T00:00:00Z "$1"
}

fresh data
exits 0 seal data
says '^sealed: 3 files'
says '^next: darn scan data$'
mode=$(stat -c %a state/seals/*.seal)
check "the seal is readable by its owner only" [ "$mode" = 600 ]
exits 0 scan data
says '^CLEAN'
exits 0 seal data
check "sealing again leaves one seal" [ "$(find state/seals -type f | wc -l)" = 1 ]

rot data/big 1234567
exits 4 scan data
says '^data/big:1232896\+4096 damaged sealed/bit-rot'
exits 12 seal data
complains 'no seal: 1 findings of damage'
exits 4 scan data
echo "ok: rot is not sealed"

fresh data
exits 0 seal --manifest m.seal data
says '^next: darn scan --manifest m.seal data$'
echo more >>data/sub/numbers
exits 0 scan -v --manifest m.seal data
says 'info sealed/changed'
says 'changed since it was sealed'
rm data/sub/numbers
exits 2 scan --manifest m.seal data
says '^data/sub/numbers:0\+3893 suspicious sealed/missing'
truncate -s 2000000 data/big
touch -d 2020-01-01T00:00:00Z data/big
exits 6 scan --manifest m.seal data
says '^data/big:2000000\+1000000 damaged sealed/cut'

fresh data
rm data/sub/numbers
exits 0 seal --manifest m.seal data
exits 0 scan --manifest m.seal data
echo "ok: sealing again takes what is gone for gone"

# every 97th byte of a manifest, and cuts
fresh data
exits 0 seal --manifest m.seal data
size=$(stat -c %s m.seal)
i=0
while [ "$i" -lt "$size" ]; do
	cp m.seal bad.seal
	byte=$(od -An -tu1 -j "$i" -N 1 m.seal)
	printf "\\$(printf %o $((byte ^ 16)))" |
		dd of=bad.seal bs=1 seek="$i" conv=notrunc 2>/dev/null
	run scan --manifest bad.seal data
	[ "$STATUS" -eq 8 ] || fail "byte $i of the manifest: exit $STATUS"
	complains "'bad.seal' is damaged at offset"
	i=$((i + 97))
done
echo "ok: a damaged manifest is named, with the offset, exit 8"
for n in 0 1 23 24 1000 $((size - 1)); do
	head -c "$n" m.seal >bad.seal
	run scan --manifest bad.seal data
	[ "$STATUS" -eq 8 ] || fail "manifest cut at $n: exit $STATUS"
done
echo "ok: a cut manifest is named"

exits 0 seal --manifest one.seal data/big
rot data/big 5
exits 4 scan --manifest one.seal data/big
says '^data/big:0\+4096 damaged sealed/bit-rot'

exits 16 seal --manifest data/inside.seal data
complains 'within what it seals'
exits 8 seal nothing
mkfifo fifo
ln -s m.seal link
exits 8 seal --manifest fifo data
exits 8 seal --manifest link data
check 'a manifest takes the place of plain files only' \
	test -p fifo -a -L link
usage_error 'operand is missing' seal

for j in 0 1 2 16; do
	"$DARN" scan -v --reproducible -j "$j" --manifest m.seal data >"out.$j" 2>/dev/null
	cmp -s out.0 "out.$j" || fail "-j $j gives another report"
done
echo "ok: the same report with any number of workers"

fresh data
exits 0 seal --json --manifest j.seal data
says '"type":"seal","path":".*/data","manifest":"j.seal","fuzzy":false,"files":3'
exits 0 seal --json --live --manifest j.seal data
says '"fuzzy":true'
