#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# seal_mapped.sh - what a program writes through a mapping after the seal is a
# change and not rot, although it moves the time stamp only now and then.
. tests/e2e/lib.sh
requires python3
case $(stat -f -c %T "$T") in
tmpfs | ramfs)
	echo "skipped: nothing is ever written out here"
	exit 77
	;;
esac

mkdir "$T/store"
mkfifo "$T/go"
python3 - "$T/store/data" "$T/go" <<'EOF' &
import mmap, sys
with open(sys.argv[1], "wb") as f:
    f.write(b"A" * 65536)
with open(sys.argv[1], "r+b") as f:
    m = mmap.mmap(f.fileno(), 0)
    m[:4] = b"old1"
    open(sys.argv[2]).read()
    m[:4] = b"new1"
    open(sys.argv[2], "w").close()
    m.close()
EOF
while ! [ -s "$T/store/data" ] || ! grep -q old1 "$T/store/data"; do
	sleep 0.1
done
exits 0 seal "$T/store"
cp -a "$T/store" "$T/backup"
: >"$T/go"
: <"$T/go"
wait
check "the program has written" grep -q new1 "$T/store/data"
run scan "$T/store"
check "no rot is seen" sh -c '! grep -q sealed/bit-rot "$T/out"'
run repair -y "$T/store" --from "$T/backup"
check "what it wrote is still there" grep -q new1 "$T/store/data"
