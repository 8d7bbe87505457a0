// SPDX-License-Identifier: Apache-2.0
#include "core/capture/volume_method.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <tuple>

namespace backup::capture {

namespace {

using model::Outcome;
using model::SkipReason;

MethodChoice none(Outcome outcome, SkipReason reason, std::string message, std::string rule) {
    MethodChoice result;
    result.outcome = outcome;
    result.reason = reason;
    result.message = std::move(message);
    result.rule = std::move(rule);
    return result;
}

/// What the person wants, and by which word.
struct Wish {
    VolumeAction action = VolumeAction::Auto;
    bool is_any_copy = false;  // --volumes=snapshot: a clone does as well
    std::string by;            // "--volumes=live", "volumes[1]"; empty: the default
};

Wish wish_of(VolumeMode mode, const VolumeChoice& choice) {
    switch (mode) {
        case VolumeMode::Live:
            return {VolumeAction::Live, false, "--volumes=live"};
        case VolumeMode::Snapshot:
            return {VolumeAction::Snapshot, true, "--volumes=snapshot"};
        case VolumeMode::Clone:
            return {VolumeAction::Clone, false, "--volumes=clone"};
        case VolumeMode::Auto:
        case VolumeMode::None:
            break;
    }
    return {choice.action, false, choice.rule};
}

bool has_mode(const VolumeSituation& situation, std::string_view mode) {
    const auto& modes = situation.facts.access_modes;
    return std::find(modes.begin(), modes.end(), mode) != modes.end();
}

bool is_in_use(const VolumeSituation& situation) {
    return std::any_of(situation.uses.begin(), situation.uses.end(), [](const VolumeUse& use) {
        return use.is_running;
    });
}

std::string type_of(const VolumeFacts& facts) {
    return facts.type.empty() ? "unknown" : facts.type;
}

/// Empty: it can be.
std::string why_no_copy(const VolumeSituation& situation) {
    const auto& facts = situation.facts;
    if (facts.driver.empty()) {
        return situation.is_volume_known
                   ? concat("volumes of type ", type_of(facts), " have no snapshots and no clones")
                   : "its PersistentVolume may not be looked at, so that its driver is not known";
    }
    return facts.storage_class.empty() ? "it has no storage class, which a copy needs" : "";
}

std::string missing(const std::vector<std::string>& rights) {
    return rights.empty() ? "" : concat("not allowed: ", join(rights, ", "));
}

std::string why_no_snapshot(const VolumeSituation& situation) {
    if (auto text = why_no_copy(situation); !text.empty()) {
        return text;
    }
    return situation.snapshot_class.empty() ? situation.snapshot_problem
                                            : missing(situation.snapshot_denied);
}

std::string why_no_clone(const VolumeSituation& situation) {
    auto text = why_no_copy(situation);
    return text.empty() ? missing(situation.clone_denied) : text;
}

std::string with_wish(const Wish& wish, std::string_view reason) {
    if (wish.by.empty()) {
        return std::string(reason);
    }
    return reason.empty() ? wish.by : concat(wish.by, ": ", reason);
}

MethodChoice take(VolumeMethod method, bool may_fall_back, std::string rule) {
    MethodChoice result;
    result.method = method;
    result.may_fall_back = may_fall_back;
    result.rule = std::move(rule);
    return result;
}

/// A hostPath volume is a folder of whichever cluster node its pod is on: on another one there may
/// be an empty folder of that name, which would look like a good backup.
bool is_bound_to_unnamed_node(const VolumeSituation& situation) {
    return situation.facts.type == "hostPath" && !situation.has_node_affinity &&
           situation.nodes != std::optional<std::size_t>(1);
}

MethodChoice read_live(const VolumeSituation& situation, std::string rule) {
    auto result = take(VolumeMethod::Live, false, std::move(rule));
    if (!is_bound_to_unnamed_node(situation)) {
        return result;
    }
    const auto found = std::find_if(situation.uses.begin(),
                                    situation.uses.end(),
                                    [](const VolumeUse& use) { return !use.node.empty(); });
    if (found != situation.uses.end()) {
        result.node = found->node;
        return result;
    }
    if (!situation.nodes) {
        result.warnings.push_back(
            concat("volume ",
                   situation.facts.ns,
                   "/",
                   situation.facts.claim,
                   " is a folder of a cluster node, no pod tells which, and nodes may not be "
                   "listed: it is read where the mover lands"));
        return result;
    }
    return none(Outcome::Failed,
                SkipReason::NodeUnavailable,
                "a hostPath volume without node affinity that no pod uses: which cluster node has "
                "its folder is not known",
                std::move(result.rule));
}

/// Somebody asked for a copy and nothing else.
MethodChoice copy_as_asked(const VolumeSituation& situation, const Wish& wish) {
    const auto no_snapshot = why_no_snapshot(situation);
    const auto no_clone = why_no_clone(situation);
    if (wish.action == VolumeAction::Snapshot && no_snapshot.empty()) {
        return take(VolumeMethod::Snapshot, false, with_wish(wish, situation.snapshot_rule));
    }
    const bool may_clone = wish.action == VolumeAction::Clone || wish.is_any_copy;
    if (may_clone && no_clone.empty()) {
        return take(VolumeMethod::Clone,
                    false,
                    with_wish(wish, wish.action == VolumeAction::Clone ? "" : no_snapshot));
    }
    const bool is_denied = wish.action == VolumeAction::Clone ? !situation.clone_denied.empty()
                                                              : !situation.snapshot_denied.empty();
    return none(Outcome::Failed,
                is_denied ? SkipReason::Forbidden : SkipReason::SnapshotFailed,
                wish.action == VolumeAction::Clone ? no_clone : no_snapshot,
                wish.by);
}

MethodChoice choose_freely(const VolumeSituation& situation, const Wish& wish) {
    const auto no_snapshot = why_no_snapshot(situation);
    if (no_snapshot.empty()) {
        return take(VolumeMethod::Snapshot, true, with_wish(wish, situation.snapshot_rule));
    }
    // What nobody writes to needs no second copy of it.
    const bool needs_copy = is_in_use(situation) || !situation.is_use_known;
    if (needs_copy && why_no_clone(situation).empty()) {
        return take(VolumeMethod::Clone, true, with_wish(wish, no_snapshot));
    }
    return read_live(situation, with_wish(wish, no_snapshot));
}

MethodChoice choose_for_bound(const VolumeSituation& situation, const Wish& wish) {
    MethodChoice result;
    switch (wish.action) {
        case VolumeAction::Live:
            result = read_live(situation, wish.by);
            break;
        case VolumeAction::Snapshot:
        case VolumeAction::Clone:
            result = copy_as_asked(situation, wish);
            break;
        case VolumeAction::Auto:
        case VolumeAction::Skip:
            result = choose_freely(situation, wish);
            break;
    }
    if (result.method == VolumeMethod::Live && has_mode(situation, "ReadWriteOncePod") &&
        !situation.uses.empty()) {
        result.rule += concat(result.rule.empty() ? "" : "; ",
                              "ReadWriteOncePod: only inside pod ",
                              situation.uses.front().pod);
    }
    return result;
}

}  // namespace

std::string_view to_text(VolumeMethod method) {
    switch (method) {
        case VolumeMethod::Live:
            return "live";
        case VolumeMethod::Snapshot:
            return "snapshot";
        case VolumeMethod::Clone:
            return "clone";
        case VolumeMethod::None:
            break;
    }
    return "";
}

void sort_uses(std::vector<VolumeUse>& uses) {
    const auto rank = [](const VolumeUse& use) {
        return std::tuple(use.node.empty(), !use.is_running, use.is_terminating, use.pod);
    };
    std::sort(uses.begin(), uses.end(), [&](const auto& left, const auto& right) {
        return rank(left) < rank(right);
    });
}

MethodChoice choose_method(const VolumeSituation& situation,
                           VolumeMode mode,
                           const VolumeChoice& choice) {
    const auto& phase = situation.facts.phase;
    MethodChoice result;
    if (mode == VolumeMode::None) {
        result =
            none(Outcome::Skipped, SkipReason::ExcludedByUser, "--volumes=none", "--volumes=none");
    } else if (choice.action == VolumeAction::Skip) {
        result = none(Outcome::Skipped, choice.reason, choice.rule, choice.rule);
    } else if (phase == "Lost") {
        result = none(
            Outcome::Failed, SkipReason::LostVolume, "the claim has lost its volume", choice.rule);
    } else if (phase != "Bound") {
        result =
            none(Outcome::Skipped, SkipReason::Unbound, "the claim has no volume yet", choice.rule);
    } else {
        result = choose_for_bound(situation, wish_of(mode, choice));
    }
    result.warnings.insert(result.warnings.end(), choice.warnings.begin(), choice.warnings.end());
    return result;
}

}  // namespace backup::capture
