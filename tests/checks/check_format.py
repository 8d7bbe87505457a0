#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Finds sources that clang-format 14 would change. Other versions format differently: skipped (77)."""
import re
import shutil
import subprocess
import sys

from sources import main, source_files

SKIPPED = 77
FILES_AT_ONCE = 40


def find_clang_format():
    for name in ("clang-format-14", "clang-format"):
        if shutil.which(name):
            version = subprocess.run([name, "--version"], capture_output=True, text=True, check=True).stdout
            if re.search(r"version 14\.", version):
                return name
    return None


def check(root):
    program = find_clang_format()
    names = [name for name in source_files(root) if name.endswith((".cpp", ".hpp"))]
    findings = []
    for start in range(0, len(names), FILES_AT_ONCE):
        command = [program, "--dry-run", "-Werror", *names[start : start + FILES_AT_ONCE]]
        output = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False).stderr
        found = re.findall(r"^(\S+?:\d+):\d+: error: (.*)$", output, re.MULTILINE)
        # One finding a file is enough: the remedy is the same.
        findings += {place.split(":")[0]: f"{place}: {text}" for place, text in reversed(found)}.values()
    if findings:
        print("remedy: cmake --build --preset dev --target format")
    return sorted(findings)


if __name__ == "__main__":
    if not find_clang_format():
        print("clang-format 14 is not installed: skipped")
        sys.exit(SKIPPED)
    sys.exit(main(check, "format"))
