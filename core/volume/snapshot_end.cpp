// SPDX-License-Identifier: Apache-2.0
#include "core/volume/snapshot_end.hpp"

#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/volume/volume_snapshot.hpp"

#include <algorithm>
#include <utility>

namespace backup::volume {

namespace {

constexpr Milliseconds kSettleLimit{15'000};
constexpr Milliseconds kNudgePause{10'000};
constexpr std::string_view kNudgeAnnotation = "kubectl-backup/cleaned-up-at";

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

void SnapshotEnd::nudge(const std::string& content, Milliseconds elapsed) {
    const auto [last, is_first] = nudged_.try_emplace(content, elapsed);
    if (!is_first && elapsed - last->second < kNudgePause) {
        return;
    }
    last->second = elapsed;
    const auto now = format_rfc3339(context_.clock.now());
    const Json patch = Json::object(
        {{"metadata",
          Json::object({{"annotations", Json::object({{std::string(kNudgeAnnotation), now}})}})}});
    const auto failure = failure_of([&] {
        context_.client.patch({api_.contents, {}, content}, kube::PatchType::Merge, patch);
    });
    if (failure && failure->code() != ErrorCode::KubeNotFound) {
        context_.client.log().info("volume",
                                   concat("cannot nudge ", content, ": ", failure->message()));
    }
}

}  // namespace backup::volume
