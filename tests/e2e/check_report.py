#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_report.py SCHEMA REPORT - holds a JSON Lines report to its contract.

Every line fits its definition in the schema; the first is the header, the last
and only the last the summary; and the coverage adds up.
"""
import json
import sys

import jsonschema


def unique(pairs):
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys)), f"a key twice: {keys}"
    return dict(pairs)


def add_up(line):
    if line["type"] == "file":
        total, parts = line["bytes"], line
    elif line["type"] == "summary" and "bytes" in line:
        total, parts = line["bytes"]["total"], line["bytes"]
    else:
        return
    buckets = ("verified", "damaged", "unverified", "skipped")
    assert total == sum(parts[b] for b in buckets), f"does not add up: {line}"


def main(schema_file, report_file):
    with open(schema_file, encoding="utf-8") as f:
        schema = json.load(f)
    with open(report_file, encoding="utf-8") as f:
        text = f.read()
    assert text.endswith("\n"), "the last line is cut"
    lines = [json.loads(line, object_pairs_hook=unique)
             for line in text.splitlines()]
    validator = jsonschema.Draft7Validator(schema)
    for line in lines:
        for error in validator.iter_errors(line):
            sys.exit(f"{line}: {error.message}")
        add_up(line)
    types = [line["type"] for line in lines]
    assert types[0] == "header" and types.count("header") == 1, types
    assert types[-1] == "summary" and types.count("summary") == 1, types
    findings = sum(1 for line in lines
                   if line["type"] == "finding" and line["severity"] != "info")
    assert findings == lines[-1]["findings"], "the count is wrong"
    if lines[0]["command"] in ("scan", "seal", "snapshot create", "repair"):
        assert "bytes" in lines[-1], "no coverage"


main(*sys.argv[1:])
