#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# jobs.sh - the same bytes come out whatever -j and --io-depth are.
. tests/e2e/lib.sh
requires python3

# Many damaged pages in files of many chunks, planted by arithmetic.
mkdir "$T/store"
cluster "$T/store"
python3 - "$T/store/base/5" <<'PY'
import sys
state = 12345
for number in range(16385, 16395):
    pages = bytearray(600 * 8192)
    for page in range(0, 600, 7):
        for i in range(0, 8192, 64):
            state = (state * 1103515245 + 12345) % 2**31
            pages[page * 8192 + i] = state >> 16 & 255
    with open(f"{sys.argv[1]}/{number}", "wb") as f:
        f.write(pages[:len(pages) - number % 3 * 1000])
PY

for form in --json -v '--json --max-errors 20'; do
	# shellcheck disable=SC2086 # words are meant
	exits 4 scan $form --reproducible -j1 "$T/store"
	mv "$T/out" "$T/expected"
	for jobs in '-j0' '-j2' '-j16' '-j3 --io-depth 1' '-j 0 --io-depth=5' \
		'--io-depth 16' '--direct'; do
		# shellcheck disable=SC2086 # words are meant
		exits 4 scan $form --reproducible $jobs "$T/store"
		check "the same with $form $jobs" cmp "$T/expected" "$T/out"
	done
done
check "the findings are many" \
	test "$("$DARN" scan "$T/store" 2>/dev/null | grep -c ' damaged ')" -gt 500
