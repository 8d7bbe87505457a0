// SPDX-License-Identifier: Apache-2.0
#include "core/capture/hook.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

using namespace backup;
using namespace backup::capture;
using namespace std::chrono_literals;
using backup::testing::contains;
using backup::testing::error_of;

namespace {

using Words = std::vector<std::string>;

PodHooks find(model::Labels annotations, const std::vector<HookRule>& rules = {}) {
    return find_pod_hooks({"shop", {{"app", "db"}}, std::move(annotations), {"Pod", "StatefulSet"}},
                          rules);
}

std::vector<HookRule> rules_of(std::string_view json) {
    return parse_hook_rules(parse_json(json));
}

std::string rules_error(std::string_view json) {
    const auto error = error_of([&] { return rules_of(json); });
    return error.hint().empty() ? error.what()
                                : std::string(error.what()) + "; " + std::string(error.hint());
}

}  // namespace

TEST_CASE("our annotations", "[hooks]") {
    const auto found =
        find({{"kubectl-backup/pre-hook",
               R"({"container":"db","command":["fsfreeze","-f","/data"],"timeout":"2m",)"
               R"("onError":"Continue"})"},
              {"kubectl-backup/post-hook", R"({"command":"fsfreeze -u /data","timeout":5})"}});
    REQUIRE(found.hooks.pre.size() == 1);
    const auto& pre = found.hooks.pre.front();
    CHECK(pre.container == "db");
    CHECK(pre.command == Words{"fsfreeze", "-f", "/data"});
    CHECK(pre.timeout == 2min);
    CHECK(pre.may_fail);
    CHECK(pre.origin == "annotation kubectl-backup/pre-hook");
    CHECK(pre.problem.empty());
    REQUIRE(found.hooks.post.size() == 1);
    const auto& post = found.hooks.post.front();
    CHECK(post.container.empty());
    CHECK(post.command == Words{"/bin/sh", "-c", "fsfreeze -u /data"});
    CHECK(post.timeout == 5s);
    CHECK_FALSE(post.may_fail);
    CHECK(found.warnings.empty());
}

TEST_CASE("several hooks in one annotation run in order", "[hooks]") {
    const auto found = find(
        {{"kubectl-backup/pre-hook", R"([{"command":["a"],"container":"x"},{"command":["b"]}])"}});
    REQUIRE(found.hooks.pre.size() == 2);
    CHECK(found.hooks.pre[0].command == Words{"a"});
    CHECK(found.hooks.pre[1].command == Words{"b"});
}

TEST_CASE("an annotation of ours that cannot be read is a hook that fails", "[hooks]") {
    const auto text = GENERATE(as<std::string>{},
                               "",
                               "fsfreeze",
                               "[]",
                               "{}",
                               R"({"command":[]})",
                               R"({"command":""})",
                               R"({"command":[""]})",
                               R"({"command":["a",1]})",
                               R"({"command":1})",
                               R"({"command":["a"],"timeout":"soon"})",
                               R"({"command":["a"],"timeout":"0s"})",
                               R"({"command":["a"],"timeout":"-3s"})",
                               R"({"command":["a"],"timeout":"5h"})",
                               R"({"command":["a"],"timeout":[]})",
                               R"({"command":["a"],"container":[]})",
                               R"({"command":["a"],"onError":"ignore"})",
                               R"({"command":["a"],"onerror":"Fail"})");
    CAPTURE(text);
    const auto found = find({{"kubectl-backup/pre-hook", text}});
    REQUIRE(found.hooks.pre.size() == 1);
    CHECK_THAT(found.hooks.pre.front().problem, contains("cannot be read"));
    CHECK(found.hooks.pre.front().command.empty());
    CHECK_FALSE(found.hooks.pre.front().may_fail);
}

TEST_CASE("more hooks than a pod may have", "[hooks]") {
    std::string text = "[";
    for (int i = 0; i < 17; ++i) {
        text += i == 0 ? R"({"command":["a"]})" : R"(,{"command":["a"]})";
    }
    CHECK_THAT(find({{"kubectl-backup/pre-hook", text + "]"}}).hooks.pre.front().problem,
               contains("1 to 16"));
}

TEST_CASE("Velero's annotations", "[hooks]") {
    const auto found = find({{"pre.hook.backup.velero.io/command", R"(["sh","-c","sync"])"},
                             {"pre.hook.backup.velero.io/container", "db"},
                             {"pre.hook.backup.velero.io/on-error", "Continue"},
                             {"pre.hook.backup.velero.io/timeout", "90s"},
                             {"post.hook.backup.velero.io/command", "/thaw.sh"}});
    REQUIRE(found.hooks.pre.size() == 1);
    CHECK(found.hooks.pre.front() == HookSpec{"db",
                                              {"sh", "-c", "sync"},
                                              90s,
                                              true,
                                              "annotation pre.hook.backup.velero.io/command",
                                              ""});
    REQUIRE(found.hooks.post.size() == 1);
    CHECK(found.hooks.post.front().command == Words{"/thaw.sh"});
    CHECK(found.hooks.post.front().timeout == kHookTimeout);
    CHECK_FALSE(found.hooks.post.front().may_fail);
}

TEST_CASE("Velero's old name of the pre hook", "[hooks]") {
    const auto found = find({{"hook.backup.velero.io/command", "/freeze.sh"}});
    REQUIRE(found.hooks.pre.size() == 1);
    CHECK(found.hooks.pre.front().command == Words{"/freeze.sh"});
    CHECK(found.hooks.post.empty());
}

TEST_CASE("what Velero takes a default for is a warning", "[hooks]") {
    const auto found = find({{"pre.hook.backup.velero.io/command", "[not json"},
                             {"pre.hook.backup.velero.io/on-error", "Ignore"},
                             {"pre.hook.backup.velero.io/timeout", "9h"}});
    REQUIRE(found.hooks.pre.size() == 1);
    CHECK(found.hooks.pre.front().command == Words{"[not json"});
    CHECK_FALSE(found.hooks.pre.front().may_fail);
    CHECK(found.hooks.pre.front().timeout == kHookTimeout);
    REQUIRE(found.warnings.size() == 2);
    CHECK_THAT(found.warnings[0], contains("'Ignore'"));
    CHECK_THAT(found.warnings[1], contains("'9h'"));
}

TEST_CASE("k8up's command whose output is a file", "[hooks]") {
    const auto found = find({{"k8up.io/backupcommand", R"(sh -c 'pg_dump --clean "$DB"')"},
                             {"k8up.io/backupcommand-container", "db"},
                             {"k8up.io/file-extension", "sql"}});
    REQUIRE(found.output.has_value());
    CHECK(found.output->hook.command == Words{"sh", "-c", R"(pg_dump --clean "$DB")"});
    CHECK(found.output->hook.container == "db");
    CHECK(found.output->hook.timeout == kOutputTimeout);
    CHECK(found.output->extension == ".sql");
    CHECK(found.hooks.is_empty());

    CHECK(find({{"k8up.syn.tools/backupcommand", "dump"}}).output->hook.command == Words{"dump"});
    CHECK_FALSE(find({{"k8up.io/backupcommand", "dump"}, {"k8up.io/backup", "false"}}).output);
    CHECK_THAT(find({{"k8up.io/backupcommand", "sh -c 'open"}}).output->hook.problem,
               contains("not closed"));
    CHECK_THAT(find({{"k8up.io/backupcommand", "  "}}).output->hook.problem,
               contains("no command"));
}

TEST_CASE("words of a command line", "[hooks]") {
    CHECK(split_words("") == Words{});
    CHECK(split_words("  a  b\tc\nd ") == Words{"a", "b", "c", "d"});
    CHECK(split_words(R"(a 'b c' "d e" f\ g)") == Words{"a", "b c", "d e", "f g"});
    CHECK(split_words(R"('' "" x'y'"z")") == Words{"", "", "xyz"});
    CHECK(split_words(R"("a\"b\\c\d\$e" '\n')") == Words{R"(a"b\c\d$e)", R"(\n)"});
    CHECK(split_words("a\\") == Words{"a\\"});
    for (const auto* open : {"'", "a 'b", "\"", "\"a\\\"", "\"\\"}) {
        CAPTURE(open);
        CHECK_THAT(error_of([&] { return split_words(open); }).what(), contains("not closed"));
    }
}

TEST_CASE("one source decides: ours, Velero's, the policy", "[hooks]") {
    const auto rules = rules_of(R"([{"pre":{"command":["policy"]}}])");
    const model::Labels velero = {{"pre.hook.backup.velero.io/command", "velero"}};
    // Only a post hook of ours: Velero's pre does not go with it.
    model::Labels both = velero;
    both.emplace("kubectl-backup/post-hook", R"({"command":["ours"]})");

    CHECK(find({}, rules).hooks.pre.front().command == Words{"policy"});
    CHECK(find({}, rules).hooks.pre.front().origin == "hooks[0] of the policy");
    CHECK(find(velero, rules).hooks.pre.front().command == Words{"velero"});
    CHECK(find(velero, rules).warnings.empty());
    const auto ours = find(both, rules);
    CHECK(ours.hooks.pre.empty());
    CHECK(ours.hooks.post.front().command == Words{"ours"});
    CHECK(ours.warnings.size() == 1);
    // k8up's command is no hook.
    CHECK(find({{"k8up.io/backupcommand", "dump"}}, rules).hooks.pre.size() == 1);
}

TEST_CASE("which annotations are looked at", "[hooks]") {
    CHECK_FALSE(has_hook_marks({}));
    CHECK_FALSE(has_hook_marks({{"pre.hook.backup.velero.io/container", "db"}}));
    for (const auto* key : {"kubectl-backup/pre-hook",
                            "kubectl-backup/post-hook",
                            "pre.hook.backup.velero.io/command",
                            "post.hook.backup.velero.io/command",
                            "hook.backup.velero.io/command",
                            "k8up.io/backupcommand",
                            "k8up.syn.tools/backupcommand"}) {
        CAPTURE(key);
        CHECK(has_hook_marks({{key, "x"}}));
    }
}

TEST_CASE("rules of a policy", "[hooks]") {
    const auto rules = rules_of(
        R"j([{"match":{"namespaces":["team-*"],"selector":"app in (db,cache)","kinds":"statefulset"},)j"
        R"("container":"db","pre":{"command":"sync","timeout":"1m"},)"
        R"("post":[{"command":["a"],"container":"other"},{"command":["b"],"onError":"continue"}]},)"
        R"({"match":{"selector":{"matchLabels":{"app":"web"}}},"post":{"command":["c"]}}])");
    REQUIRE(rules.size() == 2);
    CHECK(rules[0].match.namespaces == Words{"team-*"});
    CHECK(rules[0].match.kinds == Words{"statefulset"});
    REQUIRE(rules[0].hooks.pre.size() == 1);
    CHECK(rules[0].hooks.pre[0].container == "db");
    CHECK(rules[0].hooks.pre[0].command == Words{"/bin/sh", "-c", "sync"});
    CHECK(rules[0].hooks.pre[0].timeout == 1min);
    REQUIRE(rules[0].hooks.post.size() == 2);
    CHECK(rules[0].hooks.post[0].container == "other");
    CHECK(rules[0].hooks.post[1].container == "db");
    CHECK(rules[0].hooks.post[1].may_fail);
    CHECK(rules[1].name == "hooks[1] of the policy");

    const HookSubject db{"team-a", {{"app", "db"}}, {}, {"Pod", "StatefulSet"}};
    CHECK(matches(rules[0].match, db));
    CHECK_FALSE(matches(rules[1].match, db));
    CHECK_FALSE(matches(rules[0].match, {"other", db.labels, {}, db.kinds}));
    CHECK_FALSE(matches(rules[0].match, {"team-a", {{"app", "web"}}, {}, db.kinds}));
    CHECK_FALSE(matches(rules[0].match, {"team-a", db.labels, {}, {"Pod"}}));
    CHECK(matches({}, db));
}

TEST_CASE("rules that are not understood", "[hooks]") {
    CHECK(rules_of("null").empty());
    CHECK(rules_of("[]").empty());
    CHECK_THAT(rules_error("{}"), contains("hooks: there must be a list"));
    CHECK_THAT(rules_error("[{}]"), contains("hooks[0]: there is neither"));
    CHECK_THAT(rules_error(R"([{"pre":{"command":["a"]},"mach":{}}])"),
               contains("unknown member 'mach'; did you mean 'match'?"));
    CHECK_THAT(rules_error(R"([{"pre":{"comand":["a"]}}])"), contains("hooks[0]: pre: unknown"));
    CHECK_THAT(rules_error(R"([{"pre":{"command":["a"]},"match":{"selector":"a="}}, 1])"),
               contains("hooks[1]"));
    CHECK_THAT(rules_error(R"([{"pre":{"command":["a"]},"match":{"selector":"a in"}}])"),
               contains("hooks[0]: match: "));
    CHECK_THAT(rules_error(R"([{"pre":{"command":["a"]},"match":{"kinds":[1]}}])"),
               contains("'kinds'"));
}
