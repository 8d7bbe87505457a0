#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Finds includes, and link lists, that layers.txt does not allow."""
import fnmatch
import pathlib
import re
import sys

from sources import main, read_lines, source_files

TABLE = pathlib.Path(__file__).parent / "layers.txt"
INCLUDE = re.compile(r'\s*#\s*include\s*"([^"]+)"')
DEPENDS = re.compile(r"\bDEPENDS((?:\s+[a-z_]+)+)")


def read_table(path=TABLE):
    rows = {}
    for line in path.read_text().splitlines():
        words = line.split("#")[0].split()
        if words:
            rows[words[0]] = words
    return {
        layer: {other for pattern in patterns for other in rows if fnmatch.fnmatch(other, pattern)}
        for layer, patterns in rows.items()
    }


def layer_of(path, table):
    parts = path.split("/")
    return next((p for p in ("/".join(parts[:2]), parts[0]) if p in table), None)


def check_include(name, number, target, table, root):
    layer = layer_of(name, table)
    place = f"{name}:{number}:"
    if layer is None:
        return f"{place} belongs to no layer of tests/checks/layers.txt"
    if layer_of(target, table) is None:
        return f'{place} "{target}" must be included by its path from the repository root'
    if layer_of(target, table) not in table[layer]:
        return f"{place} {layer} must not include {target}"
    if not any((root / f"{target}{ending}").exists() for ending in ("", ".in")):
        return f"{place} {target} does not exist"
    return None


def check_links(root, table):
    findings = []
    for path in sorted((root / "core").glob("*/CMakeLists.txt")):
        layer = f"core/{path.parent.name}"
        text = path.read_text()
        for match in DEPENDS.finditer(text):
            for word in match[1].split():
                # A layer may be more than one library: volume and volume_engine.
                if not {f"core/{word}", f"core/{word.split('_')[0]}"} & table.get(layer, set()):
                    line = text.count("\n", 0, match.start()) + 1
                    findings.append(f"{path.relative_to(root).as_posix()}:{line}: {layer} must not link {word}")
    return findings


def check(root):
    table = read_table()
    findings = []
    for name in source_files(root):
        for number, line in enumerate(read_lines(root, name), 1):
            match = INCLUDE.match(line)
            finding = check_include(name, number, match[1], table, root) if match else None
            if finding:
                findings.append(finding)
    return findings + check_links(root, table)


if __name__ == "__main__":
    sys.exit(main(check, "layers"))
