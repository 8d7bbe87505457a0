// SPDX-License-Identifier: Apache-2.0
// A backend whose writes pass no faster than a rate allows. Reading, listing and removing are as
// they are.
#pragma once

#include "core/backend/backend.hpp"
#include "core/base/rate_limit.hpp"

#include <stop_token>

namespace backup::backend {

class LimitedBackend : public Backend {
  public:
    /// Once stop is asked a write that has to wait throws Interrupted: the end of a run must not
    /// wait for a slow rate. Both references must outlive this.
    LimitedBackend(Backend& backend, RateLimit& limit, std::stop_token stop = {})
        : backend_(backend),
          limit_(limit),
          stop_(std::move(stop)) {}

    std::string location() const override { return backend_.location(); }

    std::unique_ptr<BlobWriter> create(std::string_view folder) override;
    void put(std::string_view name, ByteView bytes, bool exclusive = false) override;

    void sync() override { backend_.sync(); }

    Bytes get(std::string_view name) override { return backend_.get(name); }

    void get_range(std::string_view name, std::uint64_t offset, std::span<std::byte> out) override {
        backend_.get_range(name, offset, out);
    }

    std::unique_ptr<BlobReader> open(std::string_view name) override { return backend_.open(name); }

    std::uint64_t size(std::string_view name) override { return backend_.size(name); }

    bool exists(std::string_view name) override { return backend_.exists(name); }

    void list(std::string_view folder, const std::function<void(BlobInfo)>& visit) override {
        backend_.list(folder, visit);
    }

    void remove(std::string_view name) override { backend_.remove(name); }

    bool lists_at_once() override { return backend_.lists_at_once(); }

    std::uint64_t release_reserve() override { return backend_.release_reserve(); }

    void restore_reserve() override { backend_.restore_reserve(); }

  private:
    class Writer;

    void wait_for(std::uint64_t bytes);

    Backend& backend_;
    RateLimit& limit_;
    std::stop_token stop_;
};

}  // namespace backup::backend
