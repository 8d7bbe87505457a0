// SPDX-License-Identifier: Apache-2.0
// A VolumeSnapshot of a claim that lives as long as this object: cut, waited for, and removed with
// what the storage keeps for it, also when its class says Retain. docs/volumes.md.
#pragma once

#include "core/volume/snapshot_api.hpp"
#include "core/volume/snapshot_end.hpp"
#include "core/volume/temporary_object.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

namespace backup::volume {

struct CopyLimits {
    /// From asking for a copy until it can be used (what Velero gives it, too).
    Milliseconds ready{600'000};
    /// Until a controller first takes notice of an object.
    Milliseconds notice{60'000};
    /// How long a controller may report an error before we believe it: it tries again by itself,
    /// with pauses that grow to minutes.
    Milliseconds error{90'000};
    /// For the removal of each object.
    Milliseconds removal{60'000};
};

/// What a VolumeSnapshot's status says.
struct SnapshotState {
    bool is_noticed = false;
    std::string content;  // name of the VolumeSnapshotContent
    bool is_cut = false;  // the data of that moment is held: the application may go on
    bool is_ready = false;
    std::optional<std::uint64_t> restore_bytes;
    std::string error;

    bool operator==(const SnapshotState&) const = default;
};

SnapshotState read_snapshot_state(const Json& snapshot);

/// One thread at a time.
class VolumeSnapshot {
  public:
    struct Source {
        std::string ns;
        std::string claim;
        std::string snapshot_class;  // empty: the default of the driver
    };

    VolumeSnapshot(const TemporaryContext& context, Source source, CopyLimits limits = {});
    /// close(), whose problems are only logged.
    ~VolumeSnapshot();
    VolumeSnapshot(const VolumeSnapshot&) = delete;
    VolumeSnapshot& operator=(const VolumeSnapshot&) = delete;

    /// Makes it and waits until the moment is fixed. Throws MoverFailed with what the snapshot
    /// controller says, or that it says nothing; Forbidden; Interrupted.
    void cut(const std::stop_token& stop);
    /// Waits until a claim can be made from it. Throws the same.
    const SnapshotState& wait_until_ready(const std::stop_token& stop);

    const std::string& name() const { return object_.name(); }

    /// close() does nothing from now on: something that stays still needs it.
    void leave() { object_.leave(); }

    /// Removes it and waits until its content is gone as well. Throws TimedOut, or MoverFailed
    /// when the storage's part stays behind.
    void close();

  private:
    enum class Aim { Cut, Ready };

    void wait(Aim aim, const std::stop_token& stop);
    void judge(const Json& snapshot, Milliseconds elapsed);
    void adopt_content(const Json& snapshot, const std::stop_token& stop);
    void release_content(const Json& content, const std::stop_token& stop);
    void remove(const std::stop_token& stop);
    void wait_for_content(const std::stop_token& stop);

    const TemporaryContext context_;
    const Source source_;
    const CopyLimits limits_;
    SnapshotApi api_;
    TemporaryObject object_;
    SnapshotEnd end_;
    SnapshotState state_;
    std::optional<Milliseconds> error_since_;
    bool is_content_known_ = false;  // may be read, and is ours
    std::string content_problem_;    // why the storage's part may stay
};

}  // namespace backup::volume
