// SPDX-License-Identifier: Apache-2.0
#include "core/volume/temporary_claim.hpp"

#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/volume/late_volume.hpp"
#include "core/volume/mover_pod_state.hpp"
#include "core/volume/object_events.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace backup::volume {

namespace {

constexpr std::string_view kLayer = "volume";
constexpr std::chrono::seconds kCloseLimit{210};
/// Events come late and cost a list: not with every look.
constexpr Milliseconds kComplaintPause{5'000};

/// Said by provisioners and drivers of what will not become better by waiting.
constexpr std::array<std::string_view, 4> kFinalWords{
    "not support", "unsupported", "unimplemented", "invalidargument"};

bool is_final(const std::string& complaint) {
    const auto text = to_lower(complaint);
    for (const auto word : kFinalWords) {
        if (text.find(word) != std::string::npos) {
            return true;
        }
    }
    return false;
}

}  // namespace

Json make_claim_spec(const TemporaryClaimSpec& spec, DataSource kind, const std::string& source) {
    Json data_source = Json::object(
        {{"kind", kind == DataSource::Snapshot ? "VolumeSnapshot" : "PersistentVolumeClaim"},
         {"name", source}});
    if (kind == DataSource::Snapshot) {
        data_source["apiGroup"] = kSnapshotGroup;
    }
    return Json::object(
        {{"accessModes", Json::Array(spec.access_modes.begin(), spec.access_modes.end())},
         {"volumeMode", spec.is_block ? "Block" : "Filesystem"},
         {"storageClassName", spec.storage_class},
         {"resources",
          Json::object({{"requests", Json::object({{"storage", std::to_string(spec.bytes)}})}})},
         {"dataSource", std::move(data_source)}});
}

TemporaryClaim::TemporaryClaim(const TemporaryContext& context,
                               std::string ns,
                               TemporaryClaimSpec spec,
                               CopyLimits limits)
    : context_(context),
      ns_(std::move(ns)),
      spec_(std::move(spec)),
      limits_(limits),
      object_(context, StorageApi().claims, ns_) {}

TemporaryClaim::~TemporaryClaim() {
    const auto failure = failure_of([this] { close(); });
    if (failure) {
        context_.client.log().warn(kLayer, failure->what());
    }
}

void TemporaryClaim::grow(std::uint64_t bytes) {
    spec_.bytes = std::max(spec_.bytes, bytes);
}

void TemporaryClaim::make(DataSource kind, const std::string& source, const std::stop_token& stop) {
    Json annotations;
    if (spec_.waits_for_pod && !spec_.node.empty()) {
        annotations[kSelectedNode] = spec_.node;
    }
    object_.create(make_claim_spec(spec_, kind, source), std::move(annotations), stop);
    if (spec_.waits_for_pod && spec_.node.empty()) {
        return;
    }
    const bool is_done = wait_for(context_, limits_.ready, stop, [&](Milliseconds elapsed) {
        return is_bound(elapsed, stop);
    });
    if (!is_done) {
        const auto complaint = find_complaint(stop);
        throw Error(ErrorCode::MoverFailed,
                    concat("the copy of ",
                           source,
                           " has no volume after ",
                           limits_.ready.count() / 1000,
                           " s",
                           complaint.empty() ? "" : ": ",
                           complaint));
    }
}

/// Throws when the provisioner says that it never will be.
bool TemporaryClaim::is_bound(Milliseconds elapsed, const std::stop_token& stop) {
    const auto claim = object_.get(stop);
    const auto phase = claim.text_at({"status", "phase"});
    if (phase == "Bound") {
        return true;
    }
    if (phase == "Lost" || !claim.text_at({"metadata", "deletionTimestamp"}).empty()) {
        throw Error(ErrorCode::MoverFailed, concat(object_.text(), " was taken away"));
    }
    if (elapsed < kComplaintPause) {
        return false;
    }
    const auto complaint = find_complaint(stop);
    if (!complaint.empty() && (elapsed >= limits_.error || is_final(complaint))) {
        throw Error(ErrorCode::MoverFailed, concat("no volume is made: ", complaint));
    }
    return false;
}

std::string TemporaryClaim::find_complaint(const std::stop_token& stop) const {
    const auto events = find_events(context_.client, ns_, object_.name(), stop);
    // Events are only the better explanation.
    return events ? last_warning(*events) : std::string();
}

void TemporaryClaim::close() {
    if (object_.is_made()) {
        run_limited(kCloseLimit, [this](const std::stop_token& stop) { remove(stop); });
    }
}

void TemporaryClaim::remove(const std::stop_token& stop) {
    std::string volume;
    std::string problem;
    const auto failure = failure_of([&] {
        const auto claim = let_settle(stop);
        volume = claim.text_at({"spec", "volumeName"});
        problem = release_volume(volume, stop);
    });
    object_.remove(limits_.removal, stop);  // unless it was left
    if (failure) {
        throw Error(*failure);
    }
    if (!problem.empty()) {
        throw Error(ErrorCode::MoverFailed, problem);
    }
    wait_for_volume(volume, stop);
}

/// As it is to be removed: with its volume, if one is being made.
Json TemporaryClaim::let_settle(const std::stop_token& stop) {
    auto claim = let_volume_come(context_, object_.find(stop), limits_.removal, stop);
    if (claim) {
        return std::move(*claim);
    }
    is_left_ = true;
    object_.leave();
    throw Error(ErrorCode::TimedOut, concat(object_.text(), " stays: ", kVolumeIsComing))
        .hint(concat("'kubectl backup cleanup -n ", ns_, "' removes both"));
}

/// A volume that its class wants kept is told otherwise. The text says why it was not.
std::string TemporaryClaim::release_volume(const std::string& volume,
                                           const std::stop_token& stop) const {
    if (volume.empty()) {
        return "";
    }
    std::optional<Json> found;
    auto failure = failure_of([&] {
        found = context_.client.find({api_.volumes, {}, volume}, {.subresource = {}, .stop = stop});
    });
    if (failure || !found ||
        found->text_at({"spec", "persistentVolumeReclaimPolicy"}) != "Retain") {
        return "";
    }
    const Json patch =
        Json::object({{"metadata", owner_marks(context_)},
                      {"spec", Json::object({{"persistentVolumeReclaimPolicy", "Delete"}})}});
    kube::WriteOptions options;
    options.stop = stop;
    failure = failure_of([&] {
        context_.client.patch({api_.volumes, {}, volume}, kube::PatchType::Merge, patch, options);
    });
    return failure ? concat("its storage class keeps persistentvolume ",
                            volume,
                            ", and it could not be told otherwise: ",
                            failure->message())
                   : "";
}

void TemporaryClaim::wait_for_volume(const std::string& volume, const std::stop_token& stop) const {
    if (volume.empty()) {
        return;
    }
    std::string message;
    const bool is_gone = wait_for(context_, limits_.removal, stop, [&](Milliseconds) {
        std::optional<Json> found;
        const auto failure = failure_of([&] {
            found =
                context_.client.find({api_.volumes, {}, volume}, {.subresource = {}, .stop = stop});
        });
        if (failure && failure->code() != ErrorCode::Forbidden) {
            throw Error(*failure);
        }
        message = found ? printable(found->text_at({"status", "message"})) : "";
        // Who may not look has to believe that the provisioner does its work.
        return !found;
    });
    if (!is_gone) {
        throw Error(ErrorCode::TimedOut,
                    concat("persistentvolume ",
                           volume,
                           " is still being removed",
                           message.empty() ? "" : ": ",
                           message));
    }
}

}  // namespace backup::volume
