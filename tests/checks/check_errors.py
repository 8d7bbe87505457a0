#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds docs/errors.md and the catalog in core/base/error_code.cpp together."""
import re
import sys

from sources import main

CATALOG = "core/base/error_code.cpp"
PAGE = "docs/errors.md"
PARTS = ("**Meaning**", "**Cause**", "**What to do**")


def read_catalog(root):
    text = (root / CATALOG).read_text()
    return {name: code for name, code in re.findall(r'ErrorCodeInfo\{\s*\w+,\s*"(\w+)",\s*(\d+)', text)}


def read_page(root):
    """Name to (line, text) of each section."""
    sections = {}
    name = None
    for number, line in enumerate((root / PAGE).read_text().splitlines(), 1):
        if line.startswith("## "):
            name = line[3:].strip()
            sections[name] = (number, "")
        elif name:
            sections[name] = (sections[name][0], sections[name][1] + line + "\n")
    return sections


def check(root):
    catalog = read_catalog(root)
    sections = read_page(root)
    findings = [] if catalog else [f"{CATALOG}:1: no row of the catalog was found"]
    for name, code in catalog.items():
        if name not in sections:
            findings.append(f"{PAGE}:1: no section '## {name}'")
            continue
        line, text = sections[name]
        if f"Exit code {code}." not in text:
            findings.append(f"{PAGE}:{line}: {name} has exit code {code}")
        findings += [f"{PAGE}:{line}: {name} lacks {part}" for part in PARTS if part not in text]
    for name, (line, _) in sections.items():
        if name not in catalog:
            findings.append(f"{PAGE}:{line}: {name} is no error of the catalog")
    return findings


if __name__ == "__main__":
    sys.exit(main(check, "errors"))
