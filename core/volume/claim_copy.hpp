// SPDX-License-Identifier: Apache-2.0
// A claim that holds what another one held at one moment: through a snapshot or as a CSI clone.
// Made in two steps, so that the application can go on after the first. Knows nothing of who reads
// it.
#pragma once

#include "core/volume/temporary_claim.hpp"
#include "core/volume/volume_snapshot.hpp"

#include <optional>
#include <stop_token>
#include <string>

namespace backup::volume {

enum class CopyMethod { Snapshot, Clone };

/// How a copy is made; decided before anything is.
struct ClaimCopySpec {
    CopyMethod method = CopyMethod::Snapshot;
    std::string snapshot_class;
    TemporaryClaimSpec claim;

    bool operator==(const ClaimCopySpec&) const = default;
};

/// One thread at a time.
class ClaimCopy {
  public:
    ClaimCopy(const TemporaryContext& context,
              std::string ns,
              std::string source,
              const ClaimCopySpec& spec,
              CopyLimits limits = {});
    /// close(), whose problems are only logged.
    ~ClaimCopy();
    ClaimCopy(const ClaimCopy&) = delete;
    ClaimCopy& operator=(const ClaimCopy&) = delete;

    /// Fixes the moment. A clone whose class waits for a pod, and that no node is known for, is
    /// only fixed when that pod runs.
    void cut(const std::stop_token& stop);
    /// Makes the claim to read, once. May take minutes. After cut().
    const std::string& open(const std::stop_token& stop);

    /// Empty before open().
    const std::string& claim() const { return claim_.name(); }

    /// What the provisioner complained of, for the reason why a pod does not start.
    std::string find_complaint(const std::stop_token& stop) const {
        return claim_.find_complaint(stop);
    }

    /// Removes everything, the claim first; a snapshot stays when its claim has to. Throws the
    /// first thing that went wrong, after all was tried. The pods that mount the claim must be
    /// gone.
    void close();

  private:
    const TemporaryContext context_;
    const std::string source_;
    const CopyMethod method_;
    VolumeSnapshot snapshot_;  // destroyed after the claim: a claim's source is protected
    TemporaryClaim claim_;
};

}  // namespace backup::volume
