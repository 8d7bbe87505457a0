// SPDX-License-Identifier: Apache-2.0
// Why a volume could not be read, in the words of the ledger: what an error alone does not say, the
// cluster is asked for once everything has failed.
#pragma once

#include "core/capture/claim_job.hpp"
#include "core/kube/client.hpp"

#include <stop_token>

namespace backup::capture {

/// Fills in outcome, reason, message and missing rules of the record of a job that failed with
/// `failure`. A claim (or, for a volume that no claim stands for, its pod) that is gone was deleted
/// meanwhile: it is Skipped, as it would have been a moment later; not when the whole namespace
/// goes, which stays a failure. Throws Interrupted only.
void record_failure(kube::Client& client,
                    const ClaimJob& job,
                    const Error& failure,
                    const std::stop_token& stop);

}  // namespace backup::capture
