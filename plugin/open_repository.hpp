// SPDX-License-Identifier: Apache-2.0
// From settings to an opened, or a newly made, repository.
#pragma once

#include "core/backend/backend.hpp"
#include "core/repository/chunk_store.hpp"
#include "core/repository/repository.hpp"
#include "plugin/app.hpp"
#include "plugin/settings.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace backup::plugin {

/// As ChunkStoreOptions::on_damaged_index. For verbs that read only: who writes or removes must not
/// go by a part of the index.
using OnDamagedIndex = std::function<void(const std::string& blob, const Error& error)>;

/// A repository with all it refers to.
struct OpenedRepository {
    std::unique_ptr<backend::Backend> backend;
    repository::Repository repository;
    repository::ChunkStore chunks;

    OpenedRepository(std::unique_ptr<backend::Backend> place,
                     const repository::Secret& secret,
                     OnDamagedIndex on_damaged_index)
        : backend(std::move(place)),
          repository(repository::open_repository(*backend, secret)),
          chunks(repository, chunk_options(std::move(on_damaged_index))) {}

  private:
    /// Verbs read in the order in which things were stored: a mount needs a larger cache.
    static repository::ChunkStoreOptions chunk_options(OnDamagedIndex on_damaged_index) {
        repository::ChunkStoreOptions options;
        options.frame_cache_bytes = 12U << 20U;
        options.prefetch_threads = repository::usual_prefetch_threads();
        options.on_damaged_index = std::move(on_damaged_index);
        return options;
    }
};

/// A repository without its index, which may be damaged: for verbs that look after it.
struct OpenedPlace {
    std::unique_ptr<backend::Backend> backend;
    repository::Secret secret;
    repository::Repository repository;

    OpenedPlace(std::unique_ptr<backend::Backend> place, repository::Secret used)
        : backend(std::move(place)),
          secret(std::move(used)),
          repository(repository::open_repository(*backend, secret)) {}
};

/// Throws as open_repository().
std::unique_ptr<OpenedPlace> open_place(const Settings& settings, const Environment& environment);

/// Throws NoRepository, KeyMissing, WrongKey, CorruptData, UnknownFormat.
std::unique_ptr<OpenedRepository> open_repository(const Settings& settings,
                                                  const Environment& environment,
                                                  OnDamagedIndex on_damaged_index = {});

/// What `init` made.
struct MadeRepository {
    std::string id;
    std::string location;
    std::filesystem::path key_file;
    bool has_passphrase = false;
};

/// Stores the key file (0600) first, then makes the repository, so that no repository exists
/// without its key. Throws RepositoryExists, AlreadyExists when the key file is there.
MadeRepository make_repository(const Settings& settings, App& app);

/// True when the settings name a place that holds a repository.
bool has_repository(const Settings& settings);

}  // namespace backup::plugin
