// SPDX-License-Identifier: Apache-2.0
#include "core/volume/snapshot_class.hpp"

#include "tests/support/catch.hpp"

using namespace backup;
using namespace backup::volume;

namespace {

SnapshotClass make_class(const std::string& name, const std::string& driver = "disk") {
    SnapshotClass result;
    result.name = name;
    result.driver = driver;
    result.deletion_policy = "Delete";
    return result;
}

std::string chosen(const std::vector<SnapshotClass>& classes, const SnapshotClassWish& wish) {
    const auto choice = choose_snapshot_class(classes, wish);
    // One of the two is always said.
    CHECK((choice.snapshot_class == nullptr) == choice.rule.empty());
    CHECK((choice.snapshot_class == nullptr) != choice.problem.empty());
    return choice.snapshot_class == nullptr ? choice.problem : choice.snapshot_class->name;
}

}  // namespace

TEST_CASE("what is read of a snapshot class") {
    const auto read = read_snapshot_class(parse_json(R"({
        "metadata": {"name": "fast",
            "labels": {"velero.io/csi-volumesnapshot-class": ""},
            "annotations": {"snapshot.storage.kubernetes.io/is-default-class": "true",
                            "kubectl-backup/read-only-copy": "true"}},
        "driver": "disk", "deletionPolicy": "Retain"})"));
    CHECK(read == SnapshotClass{"fast", "disk", "Retain", true, true, true});
    CHECK(read_snapshot_class(parse_json("[]")) == SnapshotClass{});
}

TEST_CASE("the order in which a snapshot class is chosen") {
    std::vector<SnapshotClass> classes{
        make_class("b"), make_class("a"), make_class("other", "share")};
    SnapshotClassWish wish{"disk", "", "", {}};

    CHECK(chosen(classes, wish) ==
          "driver disk has 2 snapshot classes and no default: name one in the annotation "
          "kubectl-backup/snapshot-class of the claim");
    CHECK(chosen(classes, {"share", "", "", {}}) == "other");
    CHECK(chosen(classes, {"tape", "", "", {}}) == "driver tape has no snapshot class");

    classes[0].is_default = true;
    CHECK(chosen(classes, wish) == "b");
    classes[1].is_preferred = true;
    CHECK(chosen(classes, wish) == "a");
    wish.asked = "b";
    CHECK(chosen(classes, wish) == "b");
    wish.annotations["velero.io/csi-volumesnapshot-class"] = "a";
    CHECK(chosen(classes, wish) == "a");
    wish.annotations["kubectl-backup/snapshot-class"] = "b";
    CHECK(chosen(classes, wish) == "b");
}

TEST_CASE("two defaults of a driver are none, as for the snapshot controller") {
    std::vector<SnapshotClass> classes{make_class("a"), make_class("b")};
    classes[0].is_default = true;
    classes[1].is_default = true;
    CHECK(chosen(classes, {"disk", "", "", {}}).find("more than one default") != std::string::npos);
}

TEST_CASE("a class that is named is not replaced by another one") {
    const std::vector<SnapshotClass> classes{make_class("a"), make_class("other", "share")};
    SnapshotClassWish wish{"disk", "gone", "volumes[0]", {}};
    CHECK(chosen(classes, wish) == "there is no snapshot class gone, which volumes[0] names");
    wish.asked = "other";
    CHECK(chosen(classes, wish) ==
          "the snapshot class other, which volumes[0] names, is of driver share, the volume of "
          "disk");
}
