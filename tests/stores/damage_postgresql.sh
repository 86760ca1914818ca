#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Each kind of damage in a real cluster is found, with file and offset, in one
# run, and nothing else is reported.
. tests/stores/lib.sh
. tests/stores/pg.sh
data=$(dataset postgresql) || exit 1
python3 tests/stores/damage_postgresql.py "$DARN" "$data" "$T"
