#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# scripts.sh - shellcheck over every script, found by name or by first line.
set -u
{
	git ls-files -co --exclude-standard '*.sh' '*.bash-completion'
	git ls-files -co --exclude-standard |
		xargs -d '\n' grep -lsm 1 -E '^#!.*[/ ](ba)?sh( |$)'
} | sort -u | xargs -d '\n' shellcheck -x -S warning || exit 1
echo "scripts: ok"
