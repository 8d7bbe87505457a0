// SPDX-License-Identifier: Apache-2.0
// One volume of the plan: what is known of it before anything is read, and how it is to be read.
// Plain data; volume_plan.hpp decides it, claim_volumes.hpp does it.
#pragma once

#include "core/model/ledger.hpp"
#include "core/volume/claim_copy.hpp"
#include "core/volume/mover_claim.hpp"

#include <stop_token>
#include <string>
#include <vector>

namespace backup::capture {

struct PlannedVolume {
    /// Its data is read when `record.method` is not empty.
    model::VolumeRecord record;
    std::vector<std::string> include;  // globs on paths in the volume; empty: everything
    std::vector<std::string> exclude;
    /// For the methods "snapshot" and "clone".
    volume::ClaimCopySpec copy;
    /// When the copy fails the claim itself is read, and a warning says so.
    bool may_fall_back = false;
    /// The cluster node where the data is, when neither claim nor volume say so (hostPath).
    std::string node;
    /// A volume that no claim stands for (an emptyDir that is named): the pod and its name for it.
    std::string pod;
    std::string pod_volume;
};

/// A claim that stands for a volume while it is read. Exists as soon as the moment is fixed: the
/// application may go on then. Its destructor removes what was made and was not closed.
class VolumeStandIn {
  public:
    virtual ~VolumeStandIn() = default;
    /// Makes the claim to read, in the namespace of the volume; once. May take minutes.
    virtual const std::string& open(const std::stop_token& stop) = 0;
    /// Its name; empty before open().
    virtual const std::string& claim() const = 0;
    /// What a mover must know of it: the user, the labels and the cluster node of the application,
    /// as far as they matter for a copy.
    virtual volume::ClaimFacts facts(const std::stop_token& stop) const = 0;
    /// What the cluster complained of while the claim was made; empty when it did not.
    virtual std::string find_complaint(const std::stop_token& stop) const = 0;
    /// Removes all that was made; throws what went wrong.
    virtual void close() = 0;
};

}  // namespace backup::capture
