// SPDX-License-Identifier: Apache-2.0
// Blobs in memory: for tests and for trying things out. Nothing survives the object.
#pragma once

#include "core/backend/backend.hpp"
#include "core/base/clock.hpp"
#include "core/base/synchronized.hpp"

#include <map>
#include <memory>
#include <string>

namespace backup::backend {

class MemoryBackend : public Backend {
  public:
    /// `clock` tells when a blob was put; without one all are of 1970.
    explicit MemoryBackend(Clock* clock = nullptr) : clock_(clock) {}

    std::string location() const override { return "memory"; }

    std::unique_ptr<BlobWriter> create(std::string_view folder) override;
    void put(std::string_view name, ByteView bytes, bool exclusive = false) override;

    void sync() override {}

    Bytes get(std::string_view name) override;
    void get_range(std::string_view name, std::uint64_t offset, std::span<std::byte> out) override;
    std::uint64_t size(std::string_view name) override;
    bool exists(std::string_view name) override;
    void list(std::string_view folder, const std::function<void(BlobInfo)>& visit) override;
    void remove(std::string_view name) override;

  private:
    using Blob = std::shared_ptr<const Bytes>;

    struct Stored {
        Blob blob;
        std::int64_t modified_seconds = 0;
    };

    Blob find(std::string_view name);
    Blob get_blob(std::string_view name);
    void store(std::string_view name, Bytes bytes, bool exclusive);

    class Writer;
    Clock* clock_;
    Synchronized<std::map<std::string, Stored, std::less<>>> blobs_;
};

}  // namespace backup::backend
