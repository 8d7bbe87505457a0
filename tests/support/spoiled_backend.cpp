// SPDX-License-Identifier: Apache-2.0
#include "tests/support/spoiled_backend.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>

namespace backup::testing {

class SpoiledBackend::Reader : public backend::BlobReader {
  public:
    Reader(SpoiledBackend& backend,
           std::unique_ptr<backend::BlobReader> blob,
           std::string_view name)
        : backend_(backend),
          blob_(std::move(blob)),
          name_(name) {}

    void read(std::uint64_t offset, std::span<std::byte> out) override {
        backend_.check_sectors(name_, offset, out.size());
        blob_->read(offset, out);
    }

  private:
    SpoiledBackend& backend_;
    std::unique_ptr<backend::BlobReader> blob_;
    std::string name_;
};

void SpoiledBackend::spoil(std::string name, std::uint64_t offset, std::uint64_t size) {
    spoiled_.lock()->emplace(std::move(name), BadSectors{offset, offset + size});
}

Bytes SpoiledBackend::get(std::string_view name) {
    auto bytes = ForwardingBackend::get(name);
    check_sectors(name, 0, bytes.size());
    return bytes;
}

void SpoiledBackend::get_range(std::string_view name,
                               std::uint64_t offset,
                               std::span<std::byte> out) {
    check_sectors(name, offset, out.size());
    ForwardingBackend::get_range(name, offset, out);
}

std::unique_ptr<backend::BlobReader> SpoiledBackend::open(std::string_view name) {
    return std::make_unique<Reader>(*this, ForwardingBackend::open(name), name);
}

void SpoiledBackend::remove(std::string_view name) {
    ForwardingBackend::remove(name);
    spoiled_.lock()->erase(std::string(name));
}

void SpoiledBackend::check_sectors(std::string_view name,
                                   std::uint64_t offset,
                                   std::uint64_t size) {
    auto spoiled = spoiled_.lock();
    const auto [first, last] = spoiled->equal_range(name);
    const auto is_hit = [&](const auto& item) {
        return item.second.begin < offset + size && offset < item.second.end;
    };
    if (std::any_of(first, last, is_hit)) {
        throw Error(ErrorCode::Io, concat("a bad sector of ", name));
    }
}

}  // namespace backup::testing
