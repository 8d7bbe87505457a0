// SPDX-License-Identifier: Apache-2.0
// A backend whose every call asks for patience first: on a thread that must not wait (core/base/
// patience.hpp) it throws at once.
#pragma once

#include "core/backend/backend.hpp"

namespace backup::fuse {

class PatientBackend : public backend::Backend {
  public:
    explicit PatientBackend(backend::Backend& backend) : backend_(backend) {}

    std::string location() const override { return backend_.location(); }

    std::unique_ptr<backend::BlobWriter> create(std::string_view folder) override;
    void put(std::string_view name, ByteView bytes, bool exclusive = false) override;
    void sync() override;
    Bytes get(std::string_view name) override;
    void get_range(std::string_view name, std::uint64_t offset, std::span<std::byte> out) override;
    std::unique_ptr<backend::BlobReader> open(std::string_view name) override;
    std::uint64_t size(std::string_view name) override;
    bool exists(std::string_view name) override;
    void list(std::string_view folder,
              const std::function<void(backend::BlobInfo)>& visit) override;
    void remove(std::string_view name) override;

    bool lists_at_once() override { return backend_.lists_at_once(); }

    std::uint64_t release_reserve() override { return backend_.release_reserve(); }

    void restore_reserve() override { backend_.restore_reserve(); }

  private:
    backend::Backend& backend_;
};

}  // namespace backup::fuse
