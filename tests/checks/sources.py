# SPDX-License-Identifier: Apache-2.0
"""What all checks share: which files are ours, and how a finding is reported."""
import pathlib
import sys

TOPS = ("core", "plugin", "fuse", "tests")
ENDINGS = (".cpp", ".hpp", ".c", ".h")


def source_files(root):
    """Paths relative to `root`, in order."""
    files = []
    for top in TOPS:
        for path in (root / top).rglob("*"):
            if path.suffix in ENDINGS and path.is_file():
                files.append(path.relative_to(root).as_posix())
    return sorted(files)


def read_lines(root, name):
    return (root / name).read_text(encoding="utf-8").splitlines()


def main(check, name):
    """`check(root)` gives findings as "file:line: what is wrong"."""
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2]
    findings = check(root)
    for finding in findings:
        print(finding)
    print(f"{name}: {len(findings)} findings" if findings else f"{name}: ok")
    return 1 if findings else 0
