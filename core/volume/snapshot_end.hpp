// SPDX-License-Identifier: Apache-2.0
// Helps snapshots to their end that were left in the middle of being cut: one that is deleted then
// leaves a content that its sidecar only gets back to after minutes. Knows nothing of whose they
// are.
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

    /// Gives the cut a moment, all snapshots together no more than 15 s. The snapshot as it is
    /// then; null when it has gone meanwhile.
    Json let_settle(const std::string& ns, const std::string& name, const std::stop_token& stop);

    /// Of a content that is being deleted, again and again while it is there: now and then changes
    /// an annotation of it, which makes its sidecar look at once. (Nothing it changes itself does:
    /// kubernetes-csi/external-snapshotter, ShouldEnqueueContentChange.) Whoever may not do that
    /// waits longer.
    void nudge(const std::string& content, Milliseconds elapsed);

  private:
    const TemporaryContext context_;
    const SnapshotApi api_;
    Milliseconds settled_{0};
    std::map<std::string, Milliseconds> nudged_;  // when
};

}  // namespace backup::volume
