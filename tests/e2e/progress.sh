#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# progress.sh - what is shown meanwhile, and how a scan is stopped.
. tests/e2e/lib.sh
requires python3 timeout

mkdir "$T/store"
cluster "$T/store"
exits 0 scan --progress=json "$T/store/base"
check "progress goes to standard error" sh -c "! grep -q progress '$T/out'"
check "the last line of --progress=json is complete" python3 -c '
import json, sys
line = json.loads(open(sys.argv[1]).read().splitlines()[0])
assert line["type"] == "progress" and line["phase"] == "scan", line
assert line["bytes"] == line["bytes_seen"] > 0, line
assert line["files"] > 0 and line["findings"] == 0, line' "$T/err"
exits 0 scan --progress=line "$T/store/base"
complains '^darn: scan +100% .*, ETA 00:00, files [0-9]+, findings 0$'
exits 0 scan -v "$T/store/base"
complains '^darn: scan +100% '
exits 0 scan -q "$T/store/base"
check "-q shows no progress" test ! -s "$T/err"
exits 0 scan --progress=bar "$T/store/base"

# A relation that takes long although it needs no room on disk.
truncate -s 1G "$T/store/base/5/16390" ||
	fail "the file system has no sparse files"
for segment in $(seq 99); do
	truncate -s 1G "$T/store/base/5/16390.$segment"
done

# interrupt SIGNAL - starts a long scan and stops it
interrupt() {
	# shellcheck disable=SC2016 # for the inner shell
	timeout 60 sh -c 'echo $$ >"$T/pid"
		exec "$DARN" scan --json --reproducible "$T/store/base"' \
		>"$T/out" 2>"$T/err" </dev/null &
	timeout_pid=$!
	sleep 0.5
	pid=$(cat "$T/pid")
	kill -USR1 "$pid"
	sleep 0.5
	kill -"$1" "$pid"
	STATUS=0
	wait "$timeout_pid" || STATUS=$?
}
for signal in INT TERM; do
	interrupt "$signal"
	check "SIG$signal: exit 32" test "$STATUS" -eq 32
	valid_json "$T/out"
	check "SIG$signal: a whole report" grep -q '"type":"summary","exit":32,' \
		"$T/out"
	check "SIGUSR1 showed a line" grep -qE '^darn: scan +[0-9]+% ' "$T/err"
done
