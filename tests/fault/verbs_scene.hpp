// SPDX-License-Identifier: Apache-2.0
// A small repository with a past, the verbs that change one, and what must be true whatever happens
// to them.
#pragma once

#include "tests/support/faulty_backend.hpp"
#include "tests/support/test_repository.hpp"

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace backup::testing {

class VerbsScene {
  public:
    /// Points "first", "second" and "third" with common and own content; "first" is forgotten and
    /// nobody has pruned yet.
    explicit VerbsScene(std::uint64_t seed);

    /// A point with content of its own, some of "third" and some that only "first" had.
    void back_up(backend::Backend& storage, const std::string& name);
    void forget(backend::Backend& storage, const std::string& name);
    /// Once it returns the point is needed, whoever forgets it.
    void hold(backend::Backend& storage, const std::string& name);
    void prune(backend::Backend& storage);
    void repair(backend::Backend& storage);

    /// One index segment is gone, one pack has parity and a flipped bit.
    void damage();

    /// Empty when every point that is listed is whole, those in `needed` are listed, and verify
    /// finds nothing.
    std::string find_loss();

    SeededRandom random;
    FakeClock clock;
    FaultyBackend backend{&clock};
    repository::KeyFile key;
    std::map<std::string, Files> files_of;
    std::set<std::string> needed;

  private:
    std::vector<std::string> ids_of(const repository::Repository& repository,
                                    const std::string& name) const;
    std::string look();

    std::string false_losses;  // what a repair said of points that are needed
};

/// A verb that changes the repository, by name. Each may be run once on a scene, in any order.
struct Verb {
    std::string name;
    std::function<void(VerbsScene&, backend::Backend&)> run;
};

std::vector<Verb> all_verbs();

}  // namespace backup::testing
