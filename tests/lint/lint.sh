#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# lint.sh - every lint of this folder, a line each; exit 1 if one complains.
#
# Each is a script of its own and may be run alone, from the top of the tree:
# it prints "NAME: ok" or what is wrong.  tidy.sh takes minutes: "make tidy".
set -u
bad=0

# Two of them ask the program what it knows.
DARN=${DARN:-./darn}
export DARN
[ "$DARN" != ./darn ] || make -s -j2 all >/dev/null || {
	echo "lint: the program does not build" >&2
	exit 1
}

for lint in layers format scripts sizes words readme ids man; do
	sh "tests/lint/$lint.sh" || {
		echo "$lint: FAILED"
		bad=1
	}
done
exit "$bad"
