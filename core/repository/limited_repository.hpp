// SPDX-License-Identifier: Apache-2.0
// A repository that is open already, written to no faster than a rate allows. For those who may not
// know the backend.
#pragma once

#include "core/backend/limited_backend.hpp"
#include "core/repository/repository.hpp"

#include <stop_token>

namespace backup::repository {

class LimitedRepository {
  public:
    /// As LimitedBackend says. All must outlive this.
    LimitedRepository(const Repository& repository, RateLimit& limit, std::stop_token stop)
        : backend_(repository.backend(), limit, std::move(stop)),
          repository_(backend_, repository.id(), repository.parameters(), repository.keys()) {}

    LimitedRepository(const LimitedRepository&) = delete;
    LimitedRepository& operator=(const LimitedRepository&) = delete;

    const Repository& get() const { return repository_; }

  private:
    backend::LimitedBackend backend_;
    Repository repository_;
};

}  // namespace backup::repository
