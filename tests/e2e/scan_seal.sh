#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# scan_seal.sh - a scan uses the seal that belongs to PATH without being told.
. tests/e2e/lib.sh
requires python3

# rot FILE OFFSET - changes a byte and leaves the time stamp as it was
rot() {
	touch -r "$1" "$T/stamp"
	printf '\252' | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
	touch -r "$T/stamp" "$1"
}

mkdir "$T/plain" "$T/plain/sub"
seq 100000 >"$T/plain/numbers"
seq 5000 >"$T/plain/sub/more"
touch -d '2026-01-01 00:00:00.25Z' "$T/plain/numbers" "$T/plain/sub/more"

exits 8 scan "$T/plain"
says '^NOT CHECKED: '
says '^next: darn seal [^ ]*/plain$'
exits 0 seal "$T/plain"
exits 0 scan "$T/plain"
says "^seal of $T/plain from 2[0-9-]+T[0-9:]+Z: $T/state/seals/plain-"
says '^CLEAN: every byte was verified$'
says '^next: darn snapshot create '
exits 0 scan --json "$T/plain"
valid_json "$T/out"
says '^\{"type":"seal","path":"[^"]*/plain","manifest":"'
cd "$T" || fail "cd"
exits 0 scan plain/sub
says '^seal of '
says '^CLEAN: '
exits 0 scan plain/numbers
says '^CLEAN: '
cd "$ROOT" || fail "cd"

# Gone, perhaps on purpose: the verdict is that of the exit status.
mv "$T/plain/sub/more" "$T/more"
exits 2 scan "$T/plain"
says '/sub/more:0\+[0-9]+ suspicious sealed/missing'
says '^SUSPICIOUS: '
says '^next: darn repair --dry-run '
mv "$T/more" "$T/plain/sub/more"

rot "$T/plain/numbers" 5000
exits 4 scan "$T/plain"
says '/plain/numbers:[0-9]+\+[0-9]+ damaged sealed/bit-rot'
says '^DAMAGED: '
exits 4 scan --json "$T/plain"
valid_json "$T/out"
exits 0 scan "$T/plain/sub"

# Which seal is used decides what is seen.
mkdir "$T/other"
cp -p "$T/plain/numbers" "$T/other/numbers"
exits 8 scan "$T/other"
exits 0 seal --manifest "$T/other.seal" "$T/other"
exits 0 scan --manifest "$T/other.seal" "$T/other"
says "^seal of $T/other from .*: $T/other.seal\$"
printf '\252' | dd of="$T/other.seal" bs=1 seek=100 conv=notrunc status=none
run scan --manifest "$T/other.seal" "$T/other"
check "a damaged seal is an error, never a verdict" test "$STATUS" -eq 8

# The seal in the state directory is damaged: the scan goes on without it.
for file in "$T"/state/seals/plain-*; do
	printf '\252' | dd of="$file" bs=1 seek=9 conv=notrunc status=none
done
exits 8 scan --json "$T/plain"
valid_json "$T/out"
says '"type":"error","path":"[^"]*/seals/plain-'
says '"type":"summary","exit":8,"files":2,'

# The report must not end in the seal because its descriptor was free.
mkdir "$T/closed"
seq 1000 >"$T/closed/numbers"
STATUS=0
"$DARN" seal --manifest "$T/closed.seal" "$T/closed" >&- 2>&- <&- || STATUS=$?
check "a seal without an output: exit 8" test "$STATUS" -eq 8
exits 0 scan --manifest "$T/closed.seal" "$T/closed"
says '^CLEAN: '

exits 0 seal --manifest "$T/fresh.seal" "$T/other"
rot "$T/other/numbers" 70000
for jobs in 0 1 7; do
	exits 4 scan -j$jobs --reproducible --json \
		--manifest "$T/fresh.seal" "$T/other"
	mv "$T/out" "$T/out.$jobs"
	check "the same with -j$jobs" cmp "$T/out.0" "$T/out.$jobs"
done

# One bad sector hides no rot beside it.
export DARN_FAULT=eio:numbers:40960+512
STATUS=0
"$DARN" scan --manifest "$T/fresh.seal" "$T/other" >"$T/out" 2>&1 || STATUS=$?
unset DARN_FAULT
check "a bad sector and rot near it: exit 4" test "$STATUS" -eq 4
says '/numbers:40960\+512 unreadable io/unreadable'
says '/numbers:69632\+4096 damaged sealed/bit-rot'
