// SPDX-License-Identifier: Apache-2.0
#include "plugin/open_repository.hpp"

#include "core/backend/open_backend.hpp"
#include "core/base/error.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/base/text.hpp"
#include "plugin/cli/exit_report.hpp"
#include "plugin/secret.hpp"

namespace backup::plugin {

std::unique_ptr<OpenedRepository> open_repository(const Settings& settings,
                                                  const Environment& environment,
                                                  OnDamagedIndex on_damaged_index) {
    auto backend = backend::open_backend(settings.repository.url);
    const auto id = repository::read_repository_id(*backend);
    const auto secret = load_secret(settings, environment, id);
    return std::make_unique<OpenedRepository>(
        std::move(backend), secret, std::move(on_damaged_index));
}

std::unique_ptr<OpenedPlace> open_place(const Settings& settings, const Environment& environment) {
    auto backend = backend::open_backend(settings.repository.url);
    const auto id = repository::read_repository_id(*backend);
    auto secret = load_secret(settings, environment, id);
    return std::make_unique<OpenedPlace>(std::move(backend), std::move(secret));
}

namespace {

/// Takes the key file away again when the repository it is for was not made.
class KeyFileGuard {
  public:
    KeyFileGuard(std::filesystem::path path, backend::Backend& backend)
        : path_(std::move(path)),
          backend_(&backend) {}

    KeyFileGuard(const KeyFileGuard&) = delete;
    KeyFileGuard& operator=(const KeyFileGuard&) = delete;

    ~KeyFileGuard() {
        // A repository that half exists may still need it.
        const auto failure = is_made_ ? std::nullopt : failure_of([this] {
            if (!repository::repository_exists(*backend_)) {
                std::error_code problem;
                std::filesystem::remove(path_, problem);
            }
        });
    }

    void keep() { is_made_ = true; }

  private:
    std::filesystem::path path_;
    backend::Backend* backend_;
    bool is_made_ = false;
};

}  // namespace

MadeRepository make_repository(const Settings& settings, App& app) {
    const auto backend = backend::open_backend(settings.repository.url);
    if (repository::repository_exists(*backend)) {
        throw Error(ErrorCode::RepositoryExists,
                    concat("there is a repository at ", backend->location(), " already"));
    }
    const auto passphrase = find_passphrase(settings.key, app.environment);
    const auto fresh = repository::make_new_repository(app.random);
    const auto path = std::filesystem::absolute(key_file_path(settings, fresh.id));
    if (std::filesystem::exists(path)) {
        throw Error(ErrorCode::AlreadyExists,
                    concat("key file ", path.string(), " is there already"))
            .hint("it may be the key of another repository: choose another --key-file");
    }
    std::filesystem::create_directories(path.parent_path());
    KeyFileGuard guard(path, *backend);
    write_file_atomically(path, as_bytes(repository::format_key_file(fresh.key_file)), 0600);
    repository::init_repository(*backend, fresh, {}, passphrase, app.random, app.clock);
    guard.keep();
    return {to_hex(fresh.id), backend->location(), path, passphrase.has_value()};
}

bool has_repository(const Settings& settings) {
    return repository::repository_exists(*backend::open_backend(settings.repository.url));
}

}  // namespace backup::plugin
