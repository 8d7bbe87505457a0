// SPDX-License-Identifier: Apache-2.0
// A fixed repository for fuzz targets: same keys, same ids each time, so that a corpus stays
// useful.
#pragma once

#include "core/backend/memory_backend.hpp"
#include "core/base/error.hpp"
#include "core/repository/repository.hpp"
#include "core/repository/sealed_blob.hpp"

#include <cstdlib>
#include <string_view>

namespace backup::fuzz {

class CountingRandom : public Random {
  public:
    void fill(std::span<std::byte> out) override {
        for (auto& byte : out) {
            byte = static_cast<std::byte>(++state_);
        }
    }

  private:
    unsigned char state_ = 0;
};

struct RepositoryWorld {
    CountingRandom random;
    backend::MemoryBackend backend;
    repository::RepositoryId id{};
    repository::KeyRing keys = repository::derive_keys({}, id);
    repository::Repository repository{backend, id, {}, keys};
};

/// Runs `decode`, which may throw an Error that says the bytes are not what they should be; any
/// other one is a finding.
template <typename Decode>
int expect_refusal_or_success(Decode decode) {
    try {
        decode();
    } catch (const Error& error) {
        switch (error.code()) {
            case ErrorCode::CorruptData:
            case ErrorCode::UnknownFormat:
            case ErrorCode::WrongKey:
                break;
            default:
                std::abort();
        }
    }
    return 0;
}

}  // namespace backup::fuzz
