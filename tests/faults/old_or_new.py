#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""old_or_new.py UNIT NOW OLD NEW: is every unit of every file in the tree NOW
what it was in OLD or what it is in NEW?  Names each that is neither."""
import os
import sys


def files(root):
    found = set()
    for base, _, names in os.walk(root):
        found |= {os.path.relpath(os.path.join(base, n), root) for n in names}
    return found


def read(root, name):
    try:
        with open(os.path.join(root, name), "rb") as f:
            return f.read()
    except FileNotFoundError:
        return None


def main():
    unit, now, old, new = int(sys.argv[1]), *sys.argv[2:5]
    bad = 0
    for name in sorted(files(now) | files(old) | files(new)):
        have, was, will = (read(root, name) for root in (now, old, new))
        if have in (was, will):
            continue
        if have is None:
            print(f"{name}: gone")
            bad += 1
            continue
        was, will = was or b"", will or b""
        if not min(len(was), len(will)) <= len(have) <= max(len(was), len(will)):
            print(f"{name}: has {len(have)} bytes")
            bad += 1
        for off in range(0, len(have), unit):
            piece = have[off:off + unit]
            if not (was[off:off + unit].startswith(piece)
                    or will[off:off + unit].startswith(piece)):
                print(f"{name}: neither old nor new at {off}")
                bad += 1
    return 1 if bad else 0


sys.exit(main())
