#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# readme.sh - the Debian packages that README.md lists are those of the
# Makefile, and the files that the documents name exist.
set -u
bad=0

# packages VARIABLE... - what the Makefile puts into them, a package a line
packages() {
	for variable in "$@"; do
		# shellcheck disable=SC2016 # make's variable, not the shell's
		printf 'include Makefile\nprint: ; @echo $(%s)\n' "$variable"  |
			make -s -f - print
	done | tr -s ' ' '\n' | sort -u
}

# In README.md each list is a line of a table: "| to build | `a` `b` |".
listed() {
	sed -n "s/^| $1 |//p" README.md | grep -o '`[^`]*`' | tr -d '`' | sort -u
}

compare() {
	if [ "$(packages "$2")" != "$(listed "$1")" ]; then
		echo "readme: README.md, packages $1, differ from $2:" \
			"$(packages "$2" | tr '\n' ' ')" >&2
		bad=1
	fi
}
compare 'to build' DEPS_BUILD
compare 'for the demo, too' DEPS_DEMO
compare 'for the tests, too' DEPS_TEST
compare 'for the lints, too' DEPS_LINT
compare 'for the benchmark, too' DEPS_BENCH

# shellcheck disable=SC2013,SC2016 # words are meant; no expansion is
for name in $(grep -ohE '`(\.ci|cmd|lib|man|repair|scanners|tests)/[a-z0-9_./-]*`' \
	README.md ARCHITECTURE.md CONTRIBUTING.md | tr -d '`' | sort -u); do
	[ -e "$name" ] || {
		echo "readme: a document names '$name', which does not exist" >&2
		bad=1
	}
done
[ "$bad" -eq 0 ] && echo "readme: ok"
exit "$bad"
