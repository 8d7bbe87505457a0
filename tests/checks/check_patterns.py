#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Finds text that has one allowed place, or none."""
import re
import sys

from sources import main, read_lines, source_files

# (what, where it may stand, what to say). `where` is matched at the beginning of the path.
CODE_RULES = [
    # One door for each third-party header.
    (r"#\s*include\s*<curl/", r"core/net/curl_library\.hpp", "the door to curl is core/net/curl_library.hpp"),
    (r"#\s*include\s*<yaml-cpp/", r"core/base/yaml\.cpp", "the door to yaml-cpp is core/base/yaml.cpp"),
    (r"#\s*include\s*<nlohmann/", r"core/base/json\.cpp", "the door to nlohmann is core/base/json.cpp"),
    (r"#\s*include\s*<zstd", r"core/content/compression\.cpp|plugin/mover/loader\.cpp", "the door to zstd is core/content/compression.cpp"),
    (r"#\s*include\s*<openssl/", r"core/(content/hash|repository/encryption)\.cpp|tests/support/",
     "the doors to OpenSSL are core/content/hash.cpp and core/repository/encryption.cpp"),
    (r"#\s*include\s*<cxxopts", r"plugin/cli/parse\.cpp", "the door to cxxopts is plugin/cli/parse.cpp"),
    (r"#\s*include\s*<(fuse3?/|fuse\w*\.h)", r"fuse/(operations|request|session)\.cpp", "the doors to libfuse are fuse/{operations,request,session}.cpp"),
    (r"#\s*include\s*<catch2/", r"tests/support/catch\.hpp", "include tests/support/catch.hpp"),
    # Time, threads, streams, environment: each from one place.
    (r"\bsystem_clock::now\b", r"core/base/clock\.cpp", "take a Clock (core/base/clock.hpp)"),
    (r"\bstd::(thread(?!::(?:hardware_concurrency|id\b))|jthread|async)\b", r"core/base/task_group\.",
     "start threads with TaskGroup (core/base/task_group.hpp)"),
    (r"\bthis_thread::sleep|\busleep\(|::sleep\(", r"$", "wait with sleep_for of core/base/retry.hpp, which stop can wake"),
    (r"\bstd::(cout|cerr|clog)\b|(?<![\w:.])(std::)?(printf|puts|putchar)\(", r"plugin/output/|plugin/(\w+/)?main\.cpp|fuse/main\.cpp|tests/",
     "only plugin/output and the main functions print"),
    (r"\b(secure_)?getenv\(", r"plugin/app\.cpp|core/base/log\.cpp|fuse/main\.cpp|tests/", "take an Environment from plugin/app.cpp"),
    (r"\bcatch\s*\(\s*\.\.\.\s*\)", r"plugin/cli/exit_report\.|fuse/reply\.|core/base/task_group\.|tests/",
     "exceptions end at plugin/cli/exit_report, fuse/reply and core/base/task_group"),
    # Before C++23 the temporary that holds the lock is gone when the loop begins.
    (r"\bfor\s*\(.*[^:]:[^:].*\block\(\)", r"$", "name the lock before the loop: this one is released before the first round"),
    (r"^\s*using namespace\b", r".*\.cpp$", "no using namespace in a header"),
]
TEXT_RULES = [
    (r"\b(TODO|FIXME|XXX|HACK)\b", "finish it, or open an issue"),
    (r"(?i)\bnot (yet )?implemented\b", "finish it"),
    (r"\bNOLINT\w*(\([^)]*\))?(?!\w*(\([^)]*\))?: )", "say why: NOLINT(check): reason"),
]
ERROR_DOORS = re.compile(r"plugin/cli/exit_report\.|fuse/reply\.|core/base/(error|json|retry|task_group)\.|tests/")
CATCH_ERROR = re.compile(r"\bcatch\s*\(\s*(?:const\s+)?(?:backup::)?Error\s*&\s*(\w*)")
CATCH_REACH = 12


def without_texts(line):
    """The code of a line: no string literals, no comment."""
    line = re.sub(r'"(\\.|[^"\\])*"', '""', line) if "#" not in line else line
    return re.sub(r"//.*", "", line)


def check_code(name, number, code):
    return [
        f"{name}:{number}: {advice}"
        for pattern, where, advice in CODE_RULES
        if re.search(pattern, code) and not re.match(where, name)
    ]


def check_catch(name, number, lines):
    """A caught Error goes on: as a Problem, as an argument of something, or thrown again."""
    match = CATCH_ERROR.search(lines[number - 1])
    if not match or ERROR_DOORS.match(name):
        return []
    used = rf"|[(,{{]\s*(std::move\()?{match[1]}\b" if match[1] else ""
    if re.search(r"[Pp]roblem|\bthrow\b" + used, "\n".join(lines[number : number + CATCH_REACH])):
        return []
    return [f"{name}:{number}: a caught Error becomes a Problem or is thrown on"]


def check_file(name, lines):
    findings = []
    if not lines or lines[0] != "// SPDX-License-Identifier: Apache-2.0":
        findings.append(f"{name}:1: the first line is '// SPDX-License-Identifier: Apache-2.0'")
    if name.endswith((".hpp", ".h")) and "#pragma once" not in lines:
        findings.append(f"{name}:1: a header has #pragma once")
    for number, line in enumerate(lines, 1):
        findings += check_code(name, number, without_texts(line))
        findings += check_catch(name, number, lines)
        findings += [f"{name}:{number}: {advice}" for pattern, advice in TEXT_RULES if re.search(pattern, line)]
    return findings


def check(root):
    findings = []
    for name in source_files(root):
        findings += check_file(name, read_lines(root, name))
    return findings


if __name__ == "__main__":
    sys.exit(main(check, "patterns"))
