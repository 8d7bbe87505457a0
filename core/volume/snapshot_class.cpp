// SPDX-License-Identifier: Apache-2.0
#include "core/volume/snapshot_class.hpp"

#include "core/base/text.hpp"

#include <algorithm>

namespace backup::volume {

namespace {

constexpr std::string_view kDefaultMark = "snapshot.storage.kubernetes.io/is-default-class";

using Candidates = std::vector<const SnapshotClass*>;

SnapshotClassChoice problem_of(std::string text) {
    return {nullptr, "", std::move(text)};
}

/// A name that somebody wrote down is not replaced by a better idea.
SnapshotClassChoice take_named(const std::vector<SnapshotClass>& classes,
                               const std::string& name,
                               const std::string& driver,
                               const std::string& by) {
    const auto found = std::ranges::find(classes, name, &SnapshotClass::name);
    if (found == classes.end()) {
        return problem_of(
            concat("there is no snapshot class ", printable(name), ", which ", by, " names"));
    }
    if (found->driver != driver) {
        return problem_of(concat("the snapshot class ",
                                 printable(name),
                                 ", which ",
                                 by,
                                 " names, is of driver ",
                                 printable(found->driver),
                                 ", the volume of ",
                                 driver));
    }
    return {&*found, concat("snapshot class ", name, ", named by ", by), ""};
}

Candidates select(const Candidates& from, bool SnapshotClass::*member) {
    Candidates chosen;
    std::ranges::copy_if(
        from, std::back_inserter(chosen), [member](const auto* item) { return item->*member; });
    return chosen;
}

SnapshotClassChoice take_by_driver(const Candidates& candidates, const std::string& driver) {
    if (candidates.empty()) {
        return problem_of(concat("driver ", printable(driver), " has no snapshot class"));
    }
    if (const auto marked = select(candidates, &SnapshotClass::is_preferred); !marked.empty()) {
        // More than one with the mark: any will do for Velero; the first by name is stable.
        return {marked.front(),
                concat("snapshot class ", marked.front()->name, ", marked by its label"),
                ""};
    }
    const auto defaults = select(candidates, &SnapshotClass::is_default);
    if (defaults.size() == 1) {
        return {defaults.front(),
                concat("snapshot class ", defaults.front()->name, ", the default of its driver"),
                ""};
    }
    if (candidates.size() == 1) {
        return {candidates.front(),
                concat("snapshot class ", candidates.front()->name, ", the only one of its driver"),
                ""};
    }
    return problem_of(concat("driver ",
                             driver,
                             " has ",
                             candidates.size(),
                             " snapshot classes and ",
                             defaults.empty() ? "no default" : "more than one default",
                             ": name one in the annotation ",
                             kSnapshotClassMark,
                             " of the claim"));
}

}  // namespace

SnapshotClass read_snapshot_class(const Json& document) {
    SnapshotClass result;
    result.name = document.text_at({"metadata", "name"});
    result.driver = document.text_at({"driver"});
    result.deletion_policy = document.text_at({"deletionPolicy"});
    result.is_default = document.text_at({"metadata", "annotations", kDefaultMark}) == "true";
    const Json* labels = document.find_path({"metadata", "labels"});
    result.is_preferred = labels != nullptr && (labels->find(kSnapshotClassMark) != nullptr ||
                                                labels->find(kVeleroSnapshotClassMark) != nullptr);
    result.copies_read_only =
        document.text_at({"metadata", "annotations", kReadOnlyCopyMark}) == "true";
    return result;
}

SnapshotClassChoice choose_snapshot_class(const std::vector<SnapshotClass>& classes,
                                          const SnapshotClassWish& wish) {
    for (const auto mark : {kSnapshotClassMark, kVeleroSnapshotClassMark}) {
        const auto found = wish.annotations.find(mark);
        if (found != wish.annotations.end() && !found->second.empty()) {
            return take_named(classes, found->second, wish.driver, concat("annotation ", mark));
        }
    }
    if (!wish.asked.empty()) {
        return take_named(
            classes, wish.asked, wish.driver, wish.asked_by.empty() ? "the policy" : wish.asked_by);
    }
    Candidates candidates;
    for (const auto& item : classes) {
        if (item.driver == wish.driver) {
            candidates.push_back(&item);
        }
    }
    std::ranges::sort(candidates, {}, [](const auto* item) { return item->name; });
    return take_by_driver(candidates, wish.driver);
}

}  // namespace backup::volume
