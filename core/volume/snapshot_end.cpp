// SPDX-License-Identifier: Apache-2.0
#include "core/volume/snapshot_end.hpp"

#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/volume/volume_snapshot.hpp"

#include <algorithm>
#include <utility>

namespace backup::volume {

namespace {

constexpr std::string_view kLayer = "volume";
constexpr Milliseconds kSettleLimit{15'000};
constexpr Milliseconds kPause{10'000};
/// A controller that has not lost sight of a snapshot lets it go within its longest pause between
/// two attempts, commonly 10 s, after its content.
constexpr Milliseconds kOutlivedLimit{15'000};
constexpr std::string_view kNudgeAnnotation = "kubectl-backup/cleaned-up-at";
constexpr std::string_view kFinalizerPrefix = "snapshot.storage.kubernetes.io/";

}  // namespace

Json SnapshotEnd::let_settle(const std::string& ns,
                             const std::string& name,
                             const std::stop_token& stop) {
    Json snapshot;
    Milliseconds waited{0};
    const auto limit = std::max(kSettleLimit - settled_, Milliseconds(0));
    wait_for(context_, limit, stop, [&](Milliseconds elapsed) {
        waited = elapsed;
        auto found =
            context_.client.find({api_.snapshots, ns, name}, {.subresource = {}, .stop = stop});
        snapshot = found ? std::move(*found) : Json();
        if (snapshot.is_null() || !snapshot.text_at({"metadata", "deletionTimestamp"}).empty()) {
            return true;
        }
        const auto state = read_snapshot_state(snapshot);
        return state.is_cut || !state.error.empty();
    });
    settled_ += waited;
    return snapshot;
}

bool SnapshotEnd::is_time(const std::string& name) {
    const auto now = context_.clock.steady_now();
    const auto [last, is_first] = tended_.try_emplace(name, now);
    if (!is_first && now - last->second < kPause) {
        return false;
    }
    last->second = now;
    return true;
}

void SnapshotEnd::nudge(const std::string& content) {
    if (!is_time(content)) {
        return;
    }
    const auto now = format_rfc3339(context_.clock.now());
    const Json patch = Json::object(
        {{"metadata",
          Json::object({{"annotations", Json::object({{std::string(kNudgeAnnotation), now}})}})}});
    const auto failure = failure_of([&] {
        context_.client.patch({api_.contents, {}, content}, kube::PatchType::Merge, patch);
    });
    if (failure && failure->code() != ErrorCode::KubeNotFound) {
        context_.client.log().info(kLayer,
                                   concat("cannot nudge ", content, ": ", failure->message()));
    }
}

void SnapshotEnd::let_go(const std::string& ns,
                         const std::string& name,
                         const std::string& content) {
    if (content.empty() || !is_time(name)) {
        return;
    }
    const auto failure = failure_of([&] {
        if (context_.client.find({api_.contents, {}, content})) {
            return;
        }
        const auto now = context_.clock.steady_now();
        if (now - outlived_.try_emplace(name, now).first->second >= kOutlivedLimit) {
            take_finalizers_off(ns, name);
        }
    });
    if (failure) {
        context_.client.log().info(
            kLayer, concat("cannot let go of ", ns, "/", name, ": ", failure->message()));
    }
}

void SnapshotEnd::take_finalizers_off(const std::string& ns, const std::string& name) const {
    const auto snapshot = context_.client.find({api_.snapshots, ns, name});
    if (!snapshot || snapshot->text_at({"metadata", "deletionTimestamp"}).empty()) {
        return;
    }
    const Json* finalizers = snapshot->find_path({"metadata", "finalizers"});
    Json::Array others;
    for (const auto& each : finalizers == nullptr ? Json::Array() : finalizers->items()) {
        if (!each.is_string() || !each.string().starts_with(kFinalizerPrefix)) {
            others.push_back(each);
        }
    }
    // With its version: whoever changed it meanwhile has not lost sight of it.
    const Json patch = Json::object(
        {{"metadata",
          Json::object({{"resourceVersion", snapshot->text_at({"metadata", "resourceVersion"})},
                        {"finalizers", std::move(others)}})}});
    context_.client.patch({api_.snapshots, ns, name}, kube::PatchType::Merge, patch);
    context_.client.log().warn(
        kLayer,
        concat("took the finalizers off volumesnapshot ", ns, "/", name, ": its content is gone"));
}

}  // namespace backup::volume
