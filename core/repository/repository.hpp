// SPDX-License-Identifier: Apache-2.0
// A repository that was made or opened: its parameters and keys, and the backend they belong to.
#pragma once

#include "core/backend/backend.hpp"
#include "core/base/clock.hpp"
#include "core/content/chunker.hpp"
#include "core/repository/keys.hpp"

#include <memory>
#include <optional>
#include <string>

namespace backup::repository {

struct Parameters {
    content::ChunkerParameters chunker;
    std::uint32_t frame_bytes = 128U << 10U;
    std::uint32_t pack_bytes = 32U << 20U;
    std::uint32_t inline_limit_bytes = 512;
};

/// What opens a repository: exactly one of the two is set.
struct Secret {
    std::optional<KeyFile> key_file;
    std::optional<std::string> passphrase;
};

/// Immutable after opening; shared by threads. Must not outlive the backend.
class Repository {
  public:
    Repository(backend::Backend& backend, RepositoryId id, Parameters parameters, KeyRing keys)
        : backend_(backend),
          id_(id),
          parameters_(parameters),
          keys_(keys) {}

    backend::Backend& backend() const { return backend_; }

    const RepositoryId& id() const { return id_; }

    std::string id_text() const { return to_hex(id_); }

    const Parameters& parameters() const { return parameters_; }

    const KeyRing& keys() const { return keys_; }

  private:
    backend::Backend& backend_;
    RepositoryId id_;
    Parameters parameters_;
    KeyRing keys_;
};

struct NewRepository {
    RepositoryId id{};
    KeyFile key_file;  // to be kept by the user; always made
};

/// `id` must be fresh random bytes: the caller stores the key file durably BEFORE the repository
/// exists. Throws RepositoryExists when there is a config already.
void init_repository(backend::Backend& backend,
                     const NewRepository& fresh,
                     Parameters parameters,
                     const std::optional<std::string>& passphrase,
                     Random& random,
                     Clock& clock);
NewRepository make_new_repository(Random& random);

bool repository_exists(backend::Backend& backend);

/// The id without any key (it names the key file). Throws NoRepository, CorruptData, UnknownFormat.
RepositoryId read_repository_id(backend::Backend& backend);

/// Throws NoRepository, WrongKey (no slot opens), CorruptData, UnknownFormat.
Repository open_repository(backend::Backend& backend, const Secret& secret);

}  // namespace backup::repository
