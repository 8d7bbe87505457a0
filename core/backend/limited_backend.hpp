// SPDX-License-Identifier: Apache-2.0
// A backend whose writes pass no faster than a rate allows. Reading, listing and removing are as
// they are.
#pragma once

#include "core/backend/forwarding_backend.hpp"
#include "core/base/rate_limit.hpp"

#include <stop_token>

namespace backup::backend {

class LimitedBackend : public ForwardingBackend {
  public:
    /// Once stop is asked a write that has to wait throws Interrupted: the end of a run must not
    /// wait for a slow rate. Both references must outlive this.
    LimitedBackend(Backend& backend, RateLimit& limit, std::stop_token stop = {})
        : ForwardingBackend(backend),
          limit_(limit),
          stop_(std::move(stop)) {}

    std::unique_ptr<BlobWriter> create(std::string_view folder) override;
    void put(std::string_view name, ByteView bytes, bool exclusive = false) override;

  private:
    class Writer;

    void wait_for(std::uint64_t bytes);

    RateLimit& limit_;
    std::stop_token stop_;
};

}  // namespace backup::backend
