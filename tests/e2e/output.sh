#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# output.sh - a report that did not arrive sets bit 8; colour only where wanted.
. tests/e2e/lib.sh
requires python3

mkdir "$T/store"
cluster "$T/store"
damage "$T/store"

# scan_to TEXT REDIRECTION STATUS
scan_to() {
	status=0
	eval "\"\$DARN\" scan --json \"\$T/store\" 2>\"\$T/err\" $2" || status=$?
	[ "$status" -eq "$3" ] || fail "$1: exit $status, not $3"
	echo "ok: exit $3 with $1"
}

exits 4 scan "$T/store"
scan_to 'a good file' '>"$T/out"' 4
scan_to 'a full disk' '>/dev/full' 12
complains '^darn: cannot write to standard output: No space left on device'
scan_to 'standard output closed' '>&-' 12
complains '^darn: cannot write to standard output'
scan_to 'all standard files closed' '>&- 2>&- <&-' 12
scan_to 'standard error closed' '>"$T/out" 2>&-' 4
valid_json "$T/out"
for what in 'help' '-V' 'formats' 'scan -h'; do
	status=0
	# shellcheck disable=SC2086 # words are meant
	"$DARN" $what >/dev/full 2>"$T/err" || status=$?
	check "exit 8 from darn $what into a full disk" test "$status" -eq 8
done

# A pipe whose reader is gone before the first write.
mkfifo "$T/pipe"
: <"$T/pipe" &
{
	sleep 0.2
	status=0
	"$DARN" scan "$T/store" 2>"$T/err" || status=$?
	echo "$status" >"$T/status"
} >"$T/pipe"
check "exit 12 when the pipe is closed" grep -qx 12 "$T/status"

# Nothing that was closed may be written into: the store is as it was.
(cd "$T/store" && find . -type f -exec cksum {} + | sort) >"$T/sums"
"$DARN" scan "$T/store" >&- 2>&- <&- && fail "no bit set"
(cd "$T/store" && find . -type f -exec cksum {} + | sort) >"$T/sums2"
check "a scan writes nothing" cmp "$T/sums" "$T/sums2"

# on_terminal VARIABLE=VALUE... - the report as a terminal gets it
on_terminal() {
	env "$@" python3 -c '
import os, pty, sys
out = []
def read(fd):
    data = os.read(fd, 65536)
    out.append(data)
    return data
sys.stdout.flush()
save = os.dup(1)
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
pty.spawn([os.environ["DARN"], "scan", "--progress=none",
           os.environ["T"] + "/store"], read)
os.write(save, b"".join(out))' </dev/null >"$T/out" 2>"$T/err"
}
on_terminal TERM=xterm
check "colour on a terminal" grep -q "$(printf '\033')\[31mdamaged" "$T/out"
on_terminal TERM=xterm NO_COLOR=1
check "NO_COLOR is honoured" sh -c "! grep -q '$(printf '\033')' '$T/out'"
says ' damaged postgresql/page-checksum '
on_terminal TERM=xterm NO_COLOR=
check "an empty NO_COLOR means nothing" grep -q "$(printf '\033')" "$T/out"
on_terminal TERM=dumb
check "no colour on a dumb terminal" sh -c "! grep -q '$(printf '\033')' '$T/out'"
exits 4 scan "$T/store"
check "no colour in a file" sh -c "! grep -q '$(printf '\033')' '$T/out'"
