// SPDX-License-Identifier: Apache-2.0
#include "core/repository/salvage.hpp"

#include "core/base/stop_on_signal.hpp"
#include "core/base/task_group.hpp"
#include "core/repository/blob_access.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/format.hpp"

#include <algorithm>
#include <optional>

namespace backup::repository {

namespace {

constexpr std::size_t kPieceBytes = std::size_t{64} << 10U;
constexpr std::size_t kSectorBytes = std::size_t{4} << 10U;

class Salvage {
  public:
    Salvage(backend::BlobReader& blob, std::uint64_t bytes, const std::stop_token& stop)
        : blob_(blob),
          stop_(stop) {
        salvaged_.bytes.resize(bytes);
    }

    SalvagedBlob run() {
        for_each_piece(0, salvaged_.bytes.size(), kPieceBytes, [this](auto offset, auto size) {
            throw_if_stopped(stop_);
            if (!try_read(offset, size)) {
                for_each_piece(offset, size, kSectorBytes, [this](auto begin, auto length) {
                    if (!try_read(begin, length)) {
                        // A read that failed may have left anything.
                        std::fill_n(salvaged_.bytes.data() + begin, length, std::byte{0});
                        salvaged_.unreadable_bytes += length;
                    }
                });
            }
        });
        return std::move(salvaged_);
    }

  private:
    template <typename Visit>
    static void for_each_piece(std::size_t begin, std::size_t size, std::size_t most, Visit visit) {
        for (std::size_t at = 0; at < size; at += most) {
            visit(begin + at, std::min(most, size - at));
        }
    }

    bool try_read(std::size_t offset, std::size_t size) {
        const auto failure = failure_of(
            [&] { blob_.read(offset, std::span(salvaged_.bytes).subspan(offset, size)); });
        if (failure && failure->code() != ErrorCode::Io) {
            throw Error(*failure);
        }
        return !failure;
    }

    backend::BlobReader& blob_;
    const std::stop_token& stop_;
    SalvagedBlob salvaged_;
};

}  // namespace

SalvagedBlob salvage_blob(backend::Backend& backend,
                          std::string_view name,
                          std::uint64_t limit_bytes,
                          const std::stop_token& stop) {
    SalvagedBlob whole;
    const auto failure = failure_of([&] { whole.bytes = get_blob(backend, name, limit_bytes); });
    if (!failure) {
        return whole;
    }
    if (failure->code() != ErrorCode::Io) {
        throw Error(*failure);
    }
    const auto size = backend.size(name);
    if (size > limit_bytes) {
        throw Error(*failure);
    }
    const auto blob = backend.open(name);
    auto salvaged = Salvage(*blob, size, stop).run();
    // A disk that went away takes everything with it.
    if (salvaged.unreadable_bytes > 0 &&
        failure_of([&] { get_blob(backend, kConfigName, format::kLargestConfig); })) {
        throw Error(*failure);
    }
    return salvaged;
}

bool is_damage(backend::Backend& backend,
               std::string_view name,
               std::uint64_t limit_bytes,
               const Error& error) {
    return error.code() == ErrorCode::CorruptData ||
           (error.code() == ErrorCode::Io &&
            salvage_blob(backend, name, limit_bytes).unreadable_bytes > 0);
}

}  // namespace backup::repository
