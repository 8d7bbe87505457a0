// SPDX-License-Identifier: Apache-2.0
#include "core/volume/late_volume.hpp"

#include "core/base/task_group.hpp"
#include "core/volume/mover_pod_state.hpp"
#include "core/volume/object_events.hpp"
#include "core/volume/snapshot_api.hpp"

#include <algorithm>
#include <array>

namespace backup::volume {

namespace {

/// Events cost a list: not with every look.
constexpr Milliseconds kEventsPause{5'000};

/// After an answer with one of these the storage may go on; after all others it does not
/// (kubernetes-csi/external-provisioner, checkError).
constexpr std::array<std::string_view, 5> kPendingCodes{
    "Canceled", "DeadlineExceeded", "Unavailable", "Aborted", "ResourceExhausted"};

enum class Work { NotBegun, Begun, Failed };

bool is_pending(const std::string& complaint) {
    return std::ranges::any_of(kPendingCodes, [&](std::string_view code) {
        return complaint.find(code) != std::string::npos;
    });
}

/// Who may not look at the class does not know.
std::optional<Json> find_class(const TemporaryContext& context,
                               const Json& claim,
                               const std::stop_token& stop) {
    const auto name = claim.text_at({"spec", "storageClassName"});
    std::optional<Json> found;
    const auto failure = failure_of([&] {
        found = name.empty() ? std::nullopt
                             : context.client.find({StorageApi().classes, {}, name},
                                                   {.subresource = {}, .stop = stop});
    });
    if (failure && failure->code() == ErrorCode::Interrupted) {
        throw Error(*failure);
    }
    return found;
}

/// One that would be kept. Of a claim that waits for a pod none is made before a node is chosen.
bool may_come(const std::optional<Json>& storage_class, const Json& claim) {
    if (claim.is_null() || !claim.text_at({"spec", "volumeName"}).empty()) {
        return false;
    }
    const auto has = [&claim](std::string_view mark) {
        return !claim.text_at({"metadata", "annotations", mark}).empty();
    };
    if (!storage_class) {
        return has(kSelectedNode) || std::ranges::any_of(kProvisionerMarks, has);
    }
    return storage_class->text_at({"reclaimPolicy"}) == "Retain" &&
           (has(kSelectedNode) || storage_class->text_at({"volumeBindingMode"}) == "Immediate");
}

/// What the provisioner says of its last attempt.
Work judge(std::vector<Json> events) {
    std::string begun;
    for (const auto& event : events) {
        if (event.text_at({"reason"}) == "Provisioning") {
            begun = std::max(begun, time_of_event(event));
        }
    }
    std::erase_if(events, [&](const Json& event) { return time_of_event(event) < begun; });
    const auto complaint = last_warning(events);
    if (!complaint.empty() && !is_pending(complaint)) {
        return Work::Failed;
    }
    return begun.empty() && complaint.empty() ? Work::NotBegun : Work::Begun;
}

}  // namespace

std::optional<Json> let_volume_come(const TemporaryContext& context,
                                    Json claim,
                                    Milliseconds limit,
                                    const std::stop_token& stop) {
    const auto storage_class = claim.is_null() ? std::nullopt : find_class(context, claim, stop);
    if (!may_come(storage_class, claim)) {
        return claim;
    }
    const StorageApi api;
    const auto ns = claim.text_at({"metadata", "namespace"});
    const auto name = claim.text_at({"metadata", "name"});
    const auto uid = claim.text_at({"metadata", "uid"});
    auto work = Work::NotBegun;
    Milliseconds next_events{0};
    const bool is_settled = wait_for(context, limit, stop, [&](Milliseconds elapsed) {
        auto found = context.client.find({api.claims, ns, name}, {.subresource = {}, .stop = stop});
        const bool is_there = found && found->text_at({"metadata", "uid"}) == uid;
        claim = is_there ? std::move(*found) : Json();
        if (!may_come(storage_class, claim)) {
            return true;
        }
        if (elapsed >= next_events) {
            auto events = find_events(context.client, ns, name, stop);
            // Who may not look must take it for at work.
            work = events ? judge(std::move(*events)) : Work::Begun;
            next_events = elapsed + kEventsPause;
        }
        return work == Work::Failed;
    });
    return is_settled || work == Work::NotBegun ? std::optional(std::move(claim)) : std::nullopt;
}

}  // namespace backup::volume
