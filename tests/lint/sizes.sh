#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# sizes.sh - files of at most 600 lines, functions of at most 60.
#
# After clang-format a function is what lies between "{" and "}" in column 0.
set -u
git ls-files -co --exclude-standard 'cmd/*.[ch]' 'lib/*.[ch]' \
	'scanners/*.[ch]' 'repair/*.[ch]' | xargs -d '\n' awk '
FNR == 1 { open = 0 }
FNR == 601 {
	print "sizes: " FILENAME " has more than 600 lines"
	bad = 1
}
/^[{]$/ { open = FNR }
/^[}]$/ {
	if (open && FNR - open - 1 > 60) {
		printf "sizes: %s:%d: a function of %d lines\n",
		       FILENAME, open, FNR - open - 1
		bad = 1
	}
	open = 0
}
END { exit bad }' >&2 || exit 1
echo "sizes: ok"
