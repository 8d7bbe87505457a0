// SPDX-License-Identifier: Apache-2.0
// The word that a forget leaves before it looks for holds, so that of a forget and a hold that meet
// at a point at least one notices the other (docs/format.md section 9). Knows no holds.
#pragma once

#include "core/base/random.hpp"
#include "core/repository/repository.hpp"

#include <span>
#include <string>
#include <vector>

namespace backup::repository {

class ForgetNotice {
  public:
    /// Announces that these points are about to be removed; durable when it returns. Only after
    /// this look for holds. Needs next to no space. `repository` must outlive this.
    ForgetNotice(const Repository& repository,
                 std::span<const content::Digest> points,
                 Random& random);
    /// Takes the announcement back, with errors dropped: whoever made it removes nothing any more.
    ~ForgetNotice();
    ForgetNotice(const ForgetNotice&) = delete;
    ForgetNotice& operator=(const ForgetNotice&) = delete;

    /// The points are gone, durably: what anybody has announced about them is done.
    void end();

  private:
    void withdraw();

    const Repository& repository_;
    std::vector<content::Digest> points_;
    std::vector<std::string> names_;
};

/// Somebody may be about to remove the point: somebody at work, or a run that died at it.
bool is_being_forgotten(const Repository& repository, const content::Digest& point);

/// Removes what runs that died have announced about points that are gone by now.
void remove_idle_notices(const Repository& repository);

}  // namespace backup::repository
