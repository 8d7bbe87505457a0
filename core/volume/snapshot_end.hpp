// SPDX-License-Identifier: Apache-2.0
// Helps snapshots to their end that their controllers have lost sight of: contents that a sidecar
// only gets back to after minutes, snapshots that outlive their content. Knows nothing of whose
// they are.
#pragma once

#include "core/base/json.hpp"
#include "core/volume/snapshot_api.hpp"
#include "core/volume/temporary_object.hpp"

#include <map>
#include <stop_token>
#include <string>

namespace backup::volume {

/// One thread at a time.
class SnapshotEnd {
  public:
    explicit SnapshotEnd(const TemporaryContext& context) : context_(context) {}

    /// Before it is deleted: one that is deleted in the middle of being cut leaves a content that
    /// its sidecar only gets back to after minutes. Gives the cut a moment, all snapshots together
    /// no more than 15 s. The snapshot as it is then; null when it has gone meanwhile.
    Json let_settle(const std::string& ns, const std::string& name, const std::stop_token& stop);

    /// Of a content that is being deleted, again and again while it is there: now and then changes
    /// an annotation of it, which makes its sidecar look at once. (Nothing it changes itself does:
    /// kubernetes-csi/external-snapshotter, ShouldEnqueueContentChange.) Whoever may not do that
    /// waits longer.
    void nudge(const std::string& content);

    /// Of a snapshot of ours that is being deleted and was bound to `content`, again and again
    /// while it is there. What its finalizers protect is the content: when that has been gone for
    /// a while, and its controller still has not let go, they are taken off. Whoever may not do
    /// that, or may not look at contents, waits longer.
    void let_go(const std::string& ns, const std::string& name, const std::string& content);

  private:
    /// Whether it is time for something that is done to `name` every 10 s.
    bool is_time(const std::string& name);
    void take_finalizers_off(const std::string& ns, const std::string& name) const;

    const TemporaryContext context_;
    const SnapshotApi api_;
    Milliseconds settled_{0};
    std::map<std::string, std::chrono::steady_clock::time_point> tended_;  // when last
    std::map<std::string, std::chrono::steady_clock::time_point>
        outlived_;  // snapshots, since when
};

}  // namespace backup::volume
