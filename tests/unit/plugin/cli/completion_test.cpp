// SPDX-License-Identifier: Apache-2.0
#include "plugin/cli/completion.hpp"

#include "plugin/cli/global_flags.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/run_cli.hpp"

using namespace backup;
using namespace backup::plugin;
using backup::testing::contains;
using backup::testing::run_cli;

namespace {

using Words = std::vector<std::string>;

const std::vector<Command>& table() {
    static const std::vector<Command> all = [] {
        Command ls;
        ls.name = "ls";
        ls.summary = "list a directory";
        ls.arguments = {{"POINT", true, false, Completes::Point}};
        ls.flags = {output_flag({"table", "json", "yaml"}),
                    {"to-directory",
                     0,
                     FlagKind::Text,
                     "DIR",
                     "",
                     "where to",
                     "",
                     {},
                     Completes::Directory}};
        Command import;
        import.name = "import directory";
        import.summary = "import a directory";
        import.arguments = {{ "PATH", true, false, Completes::Directory }};
        Command cat;
        cat.name = "cat";
        cat.summary = "print files";
        cat.arguments = {{"PATH", true, true, Completes::PointPath}};
        Command secret;
        secret.name = "lsx";
        secret.is_hidden = true;
        return std::vector<Command>{ls, import, cat, secret};
    }();
    return all;
}

Completion run(const Words& words) {
    CompletionSources sources;
    sources.points = [](std::string_view) { return std::vector<Candidate>{{"shop-1", "2h"}}; };
    sources.point_paths = [](std::string_view word) {
        return std::vector<Candidate>{{std::string(word) + "x/", ""}};
    };
    return complete(table(), words, sources);
}

Words texts(const Completion& completion) {
    Words all;
    for (const auto& candidate : completion.candidates) {
        all.push_back(candidate.text);
    }
    return all;
}

}  // namespace

TEST_CASE("verbs are offered, hidden ones are not") {
    CHECK(texts(run({""})) == Words{"ls", "import", "cat"});
    CHECK(texts(run({"l"})) == Words{"ls"});
    CHECK(run({"l"}).directive == kCompleteNoFiles);
    CHECK(texts(run({"-n", "shop", "c"})) == Words{"cat"});
    CHECK(texts(run({"import", ""})) == Words{"directory"});
    CHECK(run({"nonsense", ""}).candidates.size() == 3);
}

TEST_CASE("flags are offered behind a dash") {
    const auto offered = texts(run({"ls", "--to"}));
    CHECK(offered == Words{"--to-directory", "--token"});
    CHECK(texts(run({"ls", "-"})).size() > 20);
}

TEST_CASE("values of flags are offered") {
    CHECK(texts(run({"ls", "-o", ""})) == Words{"table", "json", "yaml"});
    CHECK(texts(run({"ls", "--output", "j"})) == Words{"json"});
    CHECK(texts(run({"ls", "--output=y"})) == Words{"yaml"});
    CHECK(run({"ls", "--to-directory", ""}).directive == kCompleteDirectories);
    CHECK(run({"ls", "--kubeconfig", ""}).directive == kCompleteFiles);
    CHECK(run({"ls", "--context", ""}).candidates.empty());
}

TEST_CASE("arguments are offered by what they are") {
    CHECK(texts(run({"ls", ""})) == Words{"shop-1"});
    CHECK(run({"ls", "shop-1", ""}).candidates.empty());
    CHECK(run({"import", "directory", ""}).directive == kCompleteDirectories);
    CHECK(texts(run({"cat", "p:a/"})) == Words{"p:a/x/"});
    CHECK(texts(run({"cat", "one", "p:"})) == Words{"p:x/"});
    CHECK(run({"cat", "p:"}).directive == (kCompleteNoFiles | kCompleteNoSpace));
    CHECK(texts(run({"ls", "--", ""})) == Words{"shop-1"});
}

TEST_CASE("nothing typed is nothing broken") {
    CHECK(texts(run({})) == Words{"ls", "import", "cat"});
}

TEST_CASE("the answer is kubectl's protocol") {
    CHECK(format_completion({{{"a", "first"}, {"b", ""}}, 6}) == "a\tfirst\nb\n:6\n");
    const auto result = run_cli({"__complete", "versi"});
    CHECK(result.exit_code == 0);
    CHECK(result.out.starts_with("version\t"));
    CHECK(result.out.ends_with("\n:4\n"));
    CHECK(run_cli({"__complete", "--no-such", "-x", "completion", "b"}).out == "bash\n:4\n");
}

TEST_CASE("each shell has its script") {
    for (const auto* shell : {"bash", "zsh", "fish", "kubectl"}) {
        CHECK_THAT(completion_script(shell), contains("__complete"));
    }
    CHECK(testing::error_code_of([] { return completion_script("csh"); }) == ErrorCode::Usage);
}
