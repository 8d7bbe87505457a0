// SPDX-License-Identifier: Apache-2.0
// Blobs in memory: for tests and for trying things out. Nothing survives the object.
#pragma once

#include "core/backend/backend.hpp"
#include "core/base/synchronized.hpp"

#include <map>
#include <memory>
#include <string>

namespace backup::backend {

class MemoryBackend : public Backend {
  public:
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

    Blob find(std::string_view name);
    Blob get_blob(std::string_view name);
    void store(std::string_view name, Bytes bytes, bool exclusive);

    class Writer;
    Synchronized<std::map<std::string, Blob, std::less<>>> blobs_;
};

}  // namespace backup::backend
