// SPDX-License-Identifier: Apache-2.0
#include "core/capture/volume_rules.hpp"

#include "tests/support/catch.hpp"

#include <functional>

using namespace backup;
using namespace backup::capture;
using model::SkipReason;

namespace {

constexpr std::uint64_t kGi = 1ULL << 30U;

VolumeFacts make_volume() {
    VolumeFacts volume;
    volume.ns = "shop";
    volume.claim = "data-db-0";
    volume.labels = {{"app", "db"}};
    volume.bytes = 10 * kGi;
    volume.storage_class = "fast-ssd";
    volume.driver = "hostpath.csi.k8s.io";
    volume.type = "csi";
    volume.access_modes = {"ReadWriteOnce"};
    volume.phase = "Bound";
    volume.attributes = {{"tier", "gold"}};
    return volume;
}

VolumeRule make_rule(VolumeAction action, std::string name = "rule") {
    VolumeRule rule;
    rule.action = action;
    rule.name = std::move(name);
    return rule;
}

VolumeFacts annotated(model::Labels annotations) {
    auto volume = make_volume();
    volume.annotations = std::move(annotations);
    return volume;
}

}  // namespace

TEST_CASE("every condition of a match holds for some volumes and not for others",
          "[volume_rules]") {
    struct Case {
        std::string name;
        std::function<void(VolumeMatch&)> ask;
        bool expected;
    };

    const std::vector<Case> cases = {
        {"nothing", [](auto&) {}, true},
        {"size from", [](auto& m) { m.size = SizeRange{10 * kGi}; }, true},
        {"size above", [](auto& m) { m.size = SizeRange{10 * kGi + 1}; }, false},
        {"size to",
         [](auto& m) {
             m.size = SizeRange{0, 10 * kGi};
         },
         true},
        {"size below",
         [](auto& m) {
             m.size = SizeRange{0, 10 * kGi - 1};
         },
         false},
        {"class",
         [](auto& m) {
             m.storage_classes = {"slow", "fast-*"};
         },
         true},
        {"other class", [](auto& m) { m.storage_classes = {"fast"}; }, false},
        {"driver", [](auto& m) { m.drivers = {"*.csi.k8s.io"}; }, true},
        {"other driver", [](auto& m) { m.drivers = {"ebs.csi.aws.com"}; }, false},
        {"label", [](auto& m) { m.selector = model::parse_label_selector("app in (db)"); }, true},
        {"no label", [](auto& m) { m.selector = model::parse_label_selector("!app"); }, false},
        {"namespace", [](auto& m) { m.namespaces = {"sh?p"}; }, true},
        {"other namespace", [](auto& m) { m.namespaces = {"data"}; }, false},
        {"claim", [](auto& m) { m.claims = {"data-*"}; }, true},
        {"other claim", [](auto& m) { m.claims = {"logs-*"}; }, false},
        {"access mode",
         [](auto& m) {
             m.access_modes = {"ReadWriteMany", "readwriteonce"};
         },
         true},
        {"other mode", [](auto& m) { m.access_modes = {"ReadWriteMany"}; }, false},
        {"file system", [](auto& m) { m.is_block = false; }, true},
        {"block", [](auto& m) { m.is_block = true; }, false},
        {"type",
         [](auto& m) {
             m.types = {"nfs", "CSI"};
         },
         true},
        {"other type", [](auto& m) { m.types = {"nfs"}; }, false},
        {"phase", [](auto& m) { m.phases = {"Bound"}; }, true},
        {"other phase", [](auto& m) { m.phases = {"Pending"}; }, false},
        {"attribute",
         [](auto& m) {
             m.attributes = {{"tier", "gold"}};
         },
         true},
        {"other attribute",
         [](auto& m) {
             m.attributes = {{"tier", "tin"}};
         },
         false},
        {"missing attribute",
         [](auto& m) {
             m.attributes = {{"zone", "a"}};
         },
         false},
        {"nfs", [](auto& m) { m.nfs_server = "10.0.0.1"; }, false},
        {"two, one of them not",
         [](auto& m) {
             m.claims = {"data-*"};
             m.types = {"nfs"};
         },
         false},
    };
    for (const auto& one : cases) {
        CAPTURE(one.name);
        VolumeMatch match;
        one.ask(match);
        CHECK(matches(match, make_volume()) == one.expected);
    }
}

TEST_CASE("what is unknown about a volume matches no question about it", "[volume_rules]") {
    VolumeFacts unknown;
    VolumeMatch size;
    size.size = SizeRange{};
    CHECK_FALSE(matches(size, unknown));
    VolumeMatch any_class;
    any_class.storage_classes = {"*"};
    CHECK_FALSE(matches(any_class, unknown));
    CHECK(matches({}, unknown));
}

TEST_CASE("all access modes and no other, as Velero asks", "[volume_rules]") {
    auto volume = make_volume();
    volume.access_modes = {"ReadWriteOnce", "ReadOnlyMany"};
    VolumeMatch match;
    match.only_these_access_modes = true;
    match.access_modes = {"ReadOnlyMany", "ReadWriteOnce"};
    CHECK(matches(match, volume));
    match.access_modes = {"ReadWriteOnce"};
    CHECK_FALSE(matches(match, volume));
    match.access_modes = {"ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany"};
    CHECK_FALSE(matches(match, volume));
}

TEST_CASE("the first rule that matches decides", "[volume_rules]") {
    auto other = make_rule(VolumeAction::Skip, "other");
    other.match.claims = {"logs"};
    auto first = make_rule(VolumeAction::Snapshot, "first");
    first.snapshot_class = "daily";
    const auto second = make_rule(VolumeAction::Skip, "second");
    const auto choice = choose_volume(make_volume(), {other, first, second});
    CHECK(choice.action == VolumeAction::Snapshot);
    CHECK(choice.rule == "first");
    CHECK(choice.snapshot_class == "daily");
    CHECK(choice.reason == SkipReason::None);

    const auto skipped = choose_volume(make_volume(), {second});
    CHECK(skipped.action == VolumeAction::Skip);
    CHECK(skipped.reason == SkipReason::ExcludedByPolicy);
    CHECK(choose_volume(make_volume(), {}) == VolumeChoice());
}

TEST_CASE("a rule counts more than a mark, unless it leaves the choice open", "[volume_rules]") {
    const auto volume = annotated({{"kubectl-backup/data", "skip"}});
    CHECK(choose_volume(volume, {make_rule(VolumeAction::Live)}).action == VolumeAction::Live);
    const auto open = choose_volume(volume, {make_rule(VolumeAction::Auto)});
    CHECK(open.action == VolumeAction::Skip);
    CHECK(open.reason == SkipReason::ExcludedByMark);
    CHECK(open.rule == "annotation kubectl-backup/data");
}

TEST_CASE("marks of claims and pods", "[volume_rules]") {
    CHECK(choose_volume(annotated({{"k8up.io/backup", "false"}}), {}).reason ==
          SkipReason::ExcludedByMark);
    CHECK(choose_volume(annotated({{"k8up.syn.tools/backup", "False"}}), {}).action ==
          VolumeAction::Skip);
    CHECK(choose_volume(annotated({{"k8up.io/backup", "true"}}), {}).action == VolumeAction::Auto);
    CHECK(choose_volume(annotated({{"k8up.io/backup", "perhaps"}}), {}).rule.empty());

    auto volume = make_volume();
    note_pod_marks({{"backup.velero.io/backup-volumes-excludes", "logs, data"}}, "data", volume);
    note_pod_marks({{"backup.velero.io/backup-volumes-excludes", "data"}}, "data", volume);
    CHECK(volume.excluded_by ==
          std::vector<std::string>{"backup.velero.io/backup-volumes-excludes"});
    const auto choice = choose_volume(volume, {});
    CHECK(choice.action == VolumeAction::Skip);
    CHECK(choice.rule == "annotation backup.velero.io/backup-volumes-excludes");
    CHECK(choice.warnings.empty());

    // Naming some volumes of a pod takes nothing away from the others.
    auto unnamed = make_volume();
    note_pod_marks({{"backup.velero.io/backup-volumes", "other"}}, "data", unnamed);
    CHECK(choose_volume(unnamed, {}) == VolumeChoice());
}

TEST_CASE("contradicting marks: ours, then Velero's, then k8up's, and a warning",
          "[volume_rules]") {
    auto volume = annotated({{"k8up.io/backup", "false"}});
    note_pod_marks({{"backup.velero.io/backup-volumes", "data"}}, "data", volume);
    auto choice = choose_volume(volume, {});
    CHECK(choice.action == VolumeAction::Auto);
    CHECK(choice.rule == "annotation backup.velero.io/backup-volumes");
    REQUIRE(choice.warnings.size() == 1);
    CHECK(choice.warnings.front() ==
          "volume shop/data-db-0: annotations backup.velero.io/backup-volumes and k8up.io/backup "
          "contradict each other; its data is stored");

    volume.annotations["kubectl-backup/data"] = "skip";
    choice = choose_volume(volume, {});
    CHECK(choice.action == VolumeAction::Skip);
    CHECK(choice.rule == "annotation kubectl-backup/data");
    CHECK(choice.warnings.size() == 1);

    auto both = make_volume();
    note_pod_marks({{"kubectl-backup/volumes", "data"}, {"kubectl-backup/exclude-volumes", "data"}},
                   "data",
                   both);
    CHECK(choose_volume(both, {}).action == VolumeAction::Skip);
    CHECK(choose_volume(both, {}).warnings.size() == 1);
}

TEST_CASE("a volume without a claim is taken only when somebody names it", "[volume_rules]") {
    VolumeFacts scratch;
    scratch.ns = "shop";
    scratch.type = "emptyDir";
    const auto left_out = choose_volume(scratch, {make_rule(VolumeAction::Auto)});
    CHECK(left_out.action == VolumeAction::Skip);
    CHECK(left_out.reason == SkipReason::OnlyWhenNamed);
    auto rule = make_rule(VolumeAction::Live);
    rule.match.types = {"emptyDir"};
    CHECK(choose_volume(scratch, {rule}).action == VolumeAction::Live);
    note_pod_marks({{"kubectl-backup/volumes", "scratch"}}, "scratch", scratch);
    CHECK(choose_volume(scratch, {}).action == VolumeAction::Auto);
}

TEST_CASE("a rule that asks for data means a pod's own volume only when it lists the type",
          "[volume_rules]") {
    VolumeFacts scratch;
    scratch.ns = "shop";
    scratch.type = "emptyDir";
    auto named = scratch;
    note_pod_marks({{"kubectl-backup/volumes", "scratch"}}, "scratch", named);
    for (const auto action : {VolumeAction::Live, VolumeAction::Snapshot, VolumeAction::Clone}) {
        CAPTURE(to_text(action));
        auto of_namespace = make_rule(action);
        of_namespace.match.namespaces = {"shop"};
        for (const auto& rule : {make_rule(action), of_namespace}) {
            CHECK(choose_volume(make_volume(), {rule}).action == action);
            CHECK(choose_volume(scratch, {rule}).reason == SkipReason::OnlyWhenNamed);
            CHECK(choose_volume(named, {rule}) == choose_volume(named, {}));
        }
        auto listed = make_rule(action, "scratch space");
        listed.match.types = {"nfs", "emptydir"};
        const auto choice = choose_volume(scratch, {make_rule(VolumeAction::Snapshot), listed});
        CHECK(choice.action == action);
        CHECK(choice.rule == "scratch space");
    }
}

TEST_CASE("a rule that leaves data out, or only paths, is for all volumes", "[volume_rules]") {
    VolumeFacts scratch;
    scratch.ns = "shop";
    scratch.type = "emptyDir";
    note_pod_marks({{"kubectl-backup/volumes", "scratch"}}, "scratch", scratch);
    CHECK(choose_volume(scratch, {make_rule(VolumeAction::Skip)}).reason ==
          SkipReason::ExcludedByPolicy);
    auto paths = make_rule(VolumeAction::Auto);
    paths.exclude = {"*.tmp"};
    CHECK(choose_volume(scratch, {paths}).action == VolumeAction::Auto);
    CHECK(choose_volume(scratch, {paths}).exclude == paths.exclude);
}

TEST_CASE("path globs come from the rule and from the claim", "[volume_rules]") {
    const auto volume = annotated(
        {{"kubectl-backup/paths", "db/*, conf"},
         {"kubectl-backup/exclude-paths", "*.tmp\ncache"},
         {"k8up.io/backup-restic-args",
          R"(["--exclude","/data/data-db-0/logs/*","--exclude=*.bak","--exclude=/other/x","--no-lock"])"}});
    const auto plain = choose_volume(volume, {});
    CHECK(plain.include == std::vector<std::string>{"db/*", "conf"});
    CHECK(plain.exclude == std::vector<std::string>{"*.tmp", "cache", "logs/*", "*.bak"});

    auto rule = make_rule(VolumeAction::Auto);
    rule.include = {"all"};
    rule.exclude = {"cache", "lost+found"};
    const auto ruled = choose_volume(volume, {rule});
    CHECK(ruled.include == std::vector<std::string>{"all"});
    CHECK(ruled.exclude ==
          std::vector<std::string>{"cache", "lost+found", "*.tmp", "logs/*", "*.bak"});

    const auto words = annotated({{"k8up.io/backup-restic-args", "--exclude *.log -e --exclude="}});
    CHECK(choose_volume(words, {}).exclude == std::vector<std::string>{"*.log", "--exclude="});
}

TEST_CASE("a value of kubectl-backup/data that means nothing is told", "[volume_rules]") {
    for (const auto* word : {"skip", "SKIP", " skip "}) {
        const auto choice = choose_volume(annotated({{"kubectl-backup/data", word}}), {});
        CHECK(choice.action == VolumeAction::Skip);
        CHECK(choice.warnings.empty());
    }
    const auto choice = choose_volume(annotated({{"kubectl-backup/data", "skipp"}}), {});
    CHECK(choice.action == VolumeAction::Auto);
    REQUIRE(choice.warnings.size() == 1);
    CHECK(choice.warnings[0] ==
          "volume shop/data-db-0: annotation kubectl-backup/data is \"skipp\", which means "
          "nothing: only \"skip\" does");
}

TEST_CASE("all volumes that a pod's annotations name", "[volume_rules]") {
    CHECK(list_pod_marks({{"kubectl-backup/volumes", "a, b"},
                          {"backup.velero.io/backup-volumes-excludes", "c"},
                          {"other", "d"}}) ==
          std::vector<PodMarkName>{{"kubectl-backup/volumes", "a"},
                                   {"kubectl-backup/volumes", "b"},
                                   {"backup.velero.io/backup-volumes-excludes", "c"}});
}
