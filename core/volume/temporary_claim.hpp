// SPDX-License-Identifier: Apache-2.0
// A claim made from a snapshot or from another claim, for a mover to read, that goes with this
// object: also its volume, whatever the storage class says. Knows nothing of movers.
#pragma once

#include "core/volume/snapshot_api.hpp"
#include "core/volume/temporary_object.hpp"
#include "core/volume/volume_snapshot.hpp"

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

namespace backup::volume {

enum class DataSource { Snapshot, Claim };

/// What the claim must be like so that the data fits and the driver agrees: as the source is.
struct TemporaryClaimSpec {
    std::string storage_class;
    std::vector<std::string> access_modes;
    bool is_block = false;
    std::uint64_t bytes = 0;
    /// The class binds when a pod needs the claim (WaitForFirstConsumer).
    bool waits_for_pod = false;
    /// A cluster node that reaches the source: the claim is then bound for it without a pod.
    std::string node;

    bool operator==(const TemporaryClaimSpec&) const = default;
};

/// The manifest's spec. Pure.
Json make_claim_spec(const TemporaryClaimSpec& spec, DataSource kind, const std::string& source);

/// One thread at a time.
class TemporaryClaim {
  public:
    TemporaryClaim(const TemporaryContext& context,
                   std::string ns,
                   TemporaryClaimSpec spec,
                   CopyLimits limits = {});
    /// close(), whose problems are only logged.
    ~TemporaryClaim();
    TemporaryClaim(const TemporaryClaim&) = delete;
    TemporaryClaim& operator=(const TemporaryClaim&) = delete;

    /// Makes it and waits until it is bound, unless only a pod can do that. Throws MoverFailed with
    /// what the provisioner says; Forbidden (quota); Interrupted.
    void make(DataSource kind, const std::string& source, const std::stop_token& stop);

    /// Before make(): no smaller than that.
    void grow(std::uint64_t bytes);

    const std::string& name() const { return object_.name(); }

    /// The last that the provisioner complained of; empty when it did not.
    std::string find_complaint(const std::stop_token& stop) const;

    /// Removes it and waits until its volume is gone as well. Throws TimedOut, or MoverFailed when
    /// the volume stays behind. The pods that mount it must be gone.
    void close();

    /// close() had to let it be, since the storage was still making its volume.
    bool is_left() const { return is_left_; }

  private:
    bool is_bound(Milliseconds elapsed, const std::stop_token& stop);
    void remove(const std::stop_token& stop);
    Json let_settle(const std::stop_token& stop);
    std::string release_volume(const std::string& volume, const std::stop_token& stop) const;
    void wait_for_volume(const std::string& volume, const std::stop_token& stop) const;

    const TemporaryContext context_;
    const std::string ns_;
    TemporaryClaimSpec spec_;
    const CopyLimits limits_;
    StorageApi api_;
    TemporaryObject object_;
    bool is_left_ = false;
};

}  // namespace backup::volume
