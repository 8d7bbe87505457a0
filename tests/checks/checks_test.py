#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The checks themselves: a tree that breaks a rule is reported, one that keeps it is not."""
import pathlib
import tempfile
import unittest

import check_errors
import check_format
import check_layers
import check_patterns
import check_sizes

SPDX = "// SPDX-License-Identifier: Apache-2.0\n"
HEADER = SPDX + "#pragma once\n"


class CheckTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def assert_finds(self, module, *places):
        findings = module.check(self.root)
        found = [":".join(finding.split(":")[:2]) for finding in findings]
        self.assertEqual(sorted(found), sorted(places), "\n".join(findings))


class LayersTest(CheckTest):
    def test_include_upwards(self):
        self.write("core/base/a.hpp", HEADER)
        self.write("core/model/m.hpp", HEADER + '#include "core/base/a.hpp"\n')
        self.write("core/base/b.cpp", SPDX + '#include "core/base/a.hpp"\n#include "core/model/m.hpp"\n')
        self.assert_finds(check_layers, "core/base/b.cpp:3")

    def test_siblings(self):
        self.write("core/kube/k.hpp", HEADER)
        self.write("core/view/v.cpp", SPDX + '#include "core/kube/k.hpp"\n')
        self.write("plugin/commands/c.cpp", SPDX + '#include "core/kube/k.hpp"\n')
        self.write("fuse/f.cpp", SPDX + '#include "core/kube/k.hpp"\n')
        self.assert_finds(check_layers, "core/view/v.cpp:2", "fuse/f.cpp:2")

    def test_relative_missing_and_homeless(self):
        self.write("core/base/a.hpp", HEADER)
        self.write("core/base/b.cpp", SPDX + '#include "a.hpp"\n#include "core/base/gone.hpp"\n')
        self.write("core/other/o.cpp", SPDX + '#include "core/base/a.hpp"\n')
        self.assert_finds(check_layers, "core/base/b.cpp:2", "core/base/b.cpp:3", "core/other/o.cpp:2")

    def test_link_list(self):
        self.write("core/base/CMakeLists.txt", "backup_layer(\n    NAME base\n    DEPENDS model\n)\n")
        self.write("core/view/CMakeLists.txt", "backup_layer(NAME view DEPENDS repository base PRIVATE x)\n")
        self.assert_finds(check_layers, "core/base/CMakeLists.txt:3")


class PatternsTest(CheckTest):
    def assert_only_in(self, code, allowed, elsewhere="core/model/x.cpp"):
        self.write(allowed, SPDX + code)
        self.assert_finds(check_patterns)
        self.write(elsewhere, SPDX + code)
        self.assert_finds(check_patterns, f"{elsewhere}:2")

    def test_doors(self):
        doors = {
            "yaml-cpp/yaml.h": "core/base/yaml.cpp",
            "nlohmann/json.hpp": "core/base/json.cpp",
            "zstd.h": "core/content/compression.cpp",
            "openssl/evp.h": "core/repository/encryption.cpp",
            "cxxopts.hpp": "plugin/cli/parse.cpp",
            "fuse3/fuse_lowlevel.h": "fuse/session.cpp",
        }
        for header, door in doors.items():
            with self.subTest(header):
                self.setUp()
                self.assert_only_in(f"#include <{header}>\n", door)

    def test_door_that_is_a_header(self):
        self.write("core/net/curl_library.hpp", SPDX + "#pragma once\n#include <curl/curl.h>\n")
        self.assert_finds(check_patterns)
        self.write("core/net/http_curl.cpp", SPDX + "#include <curl/curl.h>\n")
        self.assert_finds(check_patterns, "core/net/http_curl.cpp:2")

    def test_places(self):
        places = {
            "auto t = std::chrono::system_clock::now();": "core/base/clock.cpp",
            "std::thread t(f);": "core/base/task_group.cpp",
            "std::cout << 1;": "plugin/output/table.cpp",
            "std::cerr << 1;": "fuse/main.cpp",
            'auto* v = std::getenv("A");': "plugin/app.cpp",
            "} catch (...) {": "fuse/reply.cpp",
            "} catch (const Error& error) {": "plugin/cli/exit_report.cpp",
        }
        for code, place in places.items():
            with self.subTest(code):
                self.setUp()
                self.assert_only_in(code + "\n", place)

    def test_caught_error_is_handed_on(self):
        self.write("core/capture/a.cpp", SPDX + "} catch (const Error& e) {\n    add(Problem{e});\n}\n")
        self.write("core/capture/b.cpp", SPDX + "} catch (const Error& e) {\n    ignore();\n}\n")
        self.write("core/capture/c.cpp", SPDX + "} catch (const Error& e) {\n    report(name, e);\n}\n")
        self.write("core/capture/d.cpp", SPDX + "} catch (const Error&) {\n    throw;\n}\n")
        self.assert_finds(check_patterns, "core/capture/b.cpp:2")

    def test_nowhere(self):
        self.write("core/base/a.cpp", SPDX + "// TODO: later\n")
        self.write("core/base/b.cpp", SPDX + 'fail("not implemented");\n')
        self.write("core/base/c.cpp", SPDX + "int a;  // NOLINT\nint b;  // NOLINT(x): why\n")
        self.write("core/base/d.cpp", SPDX + "std::this_thread::sleep_for(1s);\n")
        self.write("core/base/e.hpp", SPDX + "#pragma once\nusing namespace std;\n")
        self.write("core/base/f.cpp", SPDX + "for (const auto& item : *items_.lock()) {\n")
        places = ("a.cpp:2", "b.cpp:2", "c.cpp:2", "d.cpp:2", "e.hpp:3", "f.cpp:2")
        self.assert_finds(check_patterns, *(f"core/base/{place}" for place in places))

    def test_beginnings(self):
        self.write("core/base/a.cpp", "int a;\n")
        self.write("core/base/b.hpp", SPDX)
        self.write("core/base/empty.cpp", "")
        self.assert_finds(check_patterns, "core/base/a.cpp:1", "core/base/b.hpp:1", "core/base/empty.cpp:1")

    def test_words_in_texts_and_comments_are_free(self):
        self.write("core/base/a.cpp", SPDX + 'print("std::cout");  // std::thread is for TaskGroup\n'
                   "auto n = std::thread::hardware_concurrency();\n")
        self.assert_finds(check_patterns)


class SizesTest(CheckTest):
    def test_files(self):
        self.write("core/base/a.cpp", "\n" * 501)
        self.write("core/base/b.hpp", "\n" * 201)
        self.write("tests/unit/base/c_test.cpp", "\n" * 801)
        self.write("core/base/d.cpp", "\n" * 500)
        self.write("tests/unit/base/e_test.cpp", "\n" * 800)
        self.assert_finds(check_sizes, "core/base/a.cpp:501", "core/base/b.hpp:201",
                          "tests/unit/base/c_test.cpp:801")

    @unittest.skipUnless(check_sizes.shutil.which("ctags"), "universal-ctags is missing")
    def test_functions(self):
        body = "    f();\n"
        self.write("core/base/a.cpp", "int longest() {\n" + body * 58 + "}\n\nint too_long() {\n" + body * 59 + "}\n")
        self.assert_finds(check_sizes, "core/base/a.cpp:62")


class ErrorsTest(CheckTest):
    CATALOG = 'ErrorCodeInfo{Usage, "Usage", 2, ""},\n    ErrorCodeInfo{Io, "Io", 1,\n        "hint"},\n'
    SECTION = "## {}\n\nExit code {}.\n\n**Meaning** m\n**Cause** c\n**What to do** d\n\n"

    def check_page(self, text, *places):
        self.write("core/base/error_code.cpp", self.CATALOG)
        self.write("docs/errors.md", text)
        self.assert_finds(check_errors, *places)

    def test_complete(self):
        self.check_page(self.SECTION.format("Usage", 2) + self.SECTION.format("Io", 1))

    def test_missing(self):
        self.check_page(self.SECTION.format("Usage", 2), "docs/errors.md:1")

    def test_wrong_code_and_unknown(self):
        page = self.SECTION.format("Usage", 3) + self.SECTION.format("Io", 1) + self.SECTION.format("Old", 1)
        self.check_page(page, "docs/errors.md:1", "docs/errors.md:17")

    def test_incomplete(self):
        self.check_page(self.SECTION.format("Usage", 2) + "## Io\n\nExit code 1.\n\n**Meaning** m\n**Cause** c\n",
                        "docs/errors.md:9")

    def test_empty_catalog(self):
        self.write("core/base/error_code.cpp", "")
        self.write("docs/errors.md", "")
        self.assert_finds(check_errors, "core/base/error_code.cpp:1")


@unittest.skipUnless(check_format.find_clang_format(), "clang-format 14 is missing")
class FormatTest(CheckTest):
    def test_format(self):
        self.write(".clang-format", "BasedOnStyle: Google\n")
        self.write("core/base/a.cpp", "int a;\n")
        self.write("core/base/b.cpp", "int   b;\nint   c;\n")
        self.assert_finds(check_format, "core/base/b.cpp:1")


if __name__ == "__main__":
    unittest.main()
