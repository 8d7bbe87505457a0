#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Finds files and functions that are too long to be read in one go."""
import re
import shutil
import subprocess
import sys

from sources import main, read_lines, source_files

SOURCE_LINES = 500
HEADER_LINES = 200
TEST_LINES = 800
FUNCTION_LINES = 60


def limit_of(name):
    if name.startswith("tests/"):
        return TEST_LINES
    return HEADER_LINES if name.endswith((".hpp", ".h")) else SOURCE_LINES


def functions_of(root, names):
    """(file, first line, last line, name) of each function, as universal-ctags sees them."""
    command = ["ctags", "-f", "-", "--sort=no", "--fields=+ne", "--languages=C,C++",
               "--kinds-C=f", "--kinds-C++=f", "-L", "-"]
    output = subprocess.run(command, cwd=root, input="\n".join(names), capture_output=True,
                            text=True, check=True).stdout
    for line in output.splitlines():
        match = re.match(r"([^\t]+)\t([^\t]+)\t.*\tline:(\d+).*\tend:(\d+)", line)
        if match:
            yield match[2], int(match[3]), int(match[4]), match[1]


def check(root):
    names = source_files(root)
    findings = []
    for name in names:
        lines = len(read_lines(root, name))
        if lines > limit_of(name):
            findings.append(f"{name}:{lines}: {lines} lines, at most {limit_of(name)}")
    if not shutil.which("ctags"):
        print("universal-ctags is missing: functions are not measured")
        return findings
    product = [name for name in names if not name.startswith("tests/")]
    for name, first, last, function in functions_of(root, product):
        if last - first + 1 > FUNCTION_LINES:
            findings.append(f"{name}:{first}: {function} has {last - first + 1} lines, at most {FUNCTION_LINES}")
    return findings


if __name__ == "__main__":
    sys.exit(main(check, "sizes"))
