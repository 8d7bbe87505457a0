// SPDX-License-Identifier: Apache-2.0
#include "core/volume/claim_copy.hpp"

#include "core/base/task_group.hpp"
#include "core/volume/leftovers.hpp"

#include <utility>

namespace backup::volume {

namespace {

constexpr std::string_view kLayer = "volume";

}  // namespace

ClaimCopy::ClaimCopy(const TemporaryContext& context,
                     std::string ns,
                     std::string source,
                     const ClaimCopySpec& spec,
                     CopyLimits limits)
    : context_(context),
      source_(std::move(source)),
      method_(spec.method),
      snapshot_(context, {ns, source_, spec.snapshot_class}, limits),
      claim_(context, ns, spec.claim, limits) {}

ClaimCopy::~ClaimCopy() {
    const auto failure = failure_of([this] { close(); });
    if (failure) {
        context_.client.log().warn(kLayer, leftover_problem({}, *failure).message);
    }
}

void ClaimCopy::cut(const std::stop_token& stop) {
    if (method_ == CopyMethod::Snapshot) {
        snapshot_.cut(stop);
    } else {
        claim_.make(DataSource::Claim, source_, stop);
    }
}

const std::string& ClaimCopy::open(const std::stop_token& stop) {
    if (method_ == CopyMethod::Snapshot) {
        const auto& state = snapshot_.wait_until_ready(stop);
        claim_.grow(state.restore_bytes.value_or(0));
        claim_.make(DataSource::Snapshot, snapshot_.name(), stop);
    }
    return claim_.name();
}

void ClaimCopy::close() {
    const auto failure = failure_of([this] { claim_.close(); });
    if (claim_.is_left()) {
        // Its data may still be on the way from there.
        snapshot_.leave();
    }
    const auto later = failure_of([this] { snapshot_.close(); });
    if (failure || later) {
        throw Error(failure ? *failure : *later);
    }
}

}  // namespace backup::volume
