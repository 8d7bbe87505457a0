// SPDX-License-Identifier: Apache-2.0
// A storage with bad sectors: who reads one of their bytes gets Io, everything else works.
#pragma once

#include "core/backend/forwarding_backend.hpp"
#include "core/base/synchronized.hpp"

#include <map>
#include <string>

namespace backup::testing {

class SpoiledBackend : public backend::ForwardingBackend {
  public:
    using ForwardingBackend::ForwardingBackend;

    /// Until the blob is removed.
    void spoil(std::string name, std::uint64_t offset, std::uint64_t size);

    Bytes get(std::string_view name) override;
    void get_range(std::string_view name, std::uint64_t offset, std::span<std::byte> out) override;
    std::unique_ptr<backend::BlobReader> open(std::string_view name) override;
    void remove(std::string_view name) override;

  private:
    class Reader;

    struct BadSectors {
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
    };

    void check_sectors(std::string_view name, std::uint64_t offset, std::uint64_t size);

    Synchronized<std::multimap<std::string, BadSectors, std::less<>>> spoiled_;
};

}  // namespace backup::testing
