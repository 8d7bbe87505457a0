// SPDX-License-Identifier: Apache-2.0
// What the clients were promised, kept apart from the repository, and the proof that it is true:
// every point whose commit returned and that nobody asked to forget gives back every byte.
#pragma once

#include "core/base/synchronized.hpp"
#include "core/repository/keys.hpp"
#include "tests/support/test_repository.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace backup::model_test {

/// Any thread.
class Oracle {
  public:
    Oracle(backend::Backend& storage, const repository::KeyFile& key)
        : storage_(storage),
          key_(key) {}

    /// Before a backup begins: what a point of that name must hold, should it appear.
    void expect(const std::string& name, const testing::Files& files);
    void committed(const std::string& id, const std::string& name);
    /// From here on nobody may count on the point, whatever becomes of the attempt.
    void about_to_forget(const std::string& id);

    /// A client that tries to forget several points at once, while it lives. It must be refused as
    /// long as one of them is held: nobody may count on them from the moment none is any more.
    class ForgetAttempt;
    /// A client that puts a hold, while it lives.
    class HoldAttempt;
    /// A client that takes the holds of a point away, while it lives.
    class ReleaseAttempt;

    bool is_promised(const std::string& id) const;
    bool is_held(const std::string& id) const;
    std::vector<std::string> promised() const;
    testing::Files files_of(const std::string& point_name) const;

    /// Reads everything as a client that comes just now would. Returns what is wrong; empty:
    /// nothing.
    std::vector<std::string> find_broken_promises() const;
    /// At the end: also points whose writer died or was told of an error must be whole.
    std::vector<std::string> find_broken_points() const;

  private:
    struct Promise {
        std::string name;
        bool may_be_forgotten = false;
        bool is_held = false;
        unsigned releases_under_way = 0;
        unsigned releases_begun = 0;
    };

    struct State {
        std::map<std::string, testing::Files> expected;  // by the point's name
        std::map<std::string, Promise> promises;         // by the point's id
        std::set<ForgetAttempt*> forgetting;
    };

    std::vector<std::string> find_broken(bool all_points) const;

    backend::Backend& storage_;
    repository::KeyFile key_;
    mutable Synchronized<State> state_;
};

class Oracle::ForgetAttempt {
  public:
    ForgetAttempt(Oracle& oracle, std::vector<std::string> ids);
    ~ForgetAttempt();
    ForgetAttempt(const ForgetAttempt&) = delete;
    ForgetAttempt& operator=(const ForgetAttempt&) = delete;

    /// Since it began there was a moment when none of the points was held.
    bool may_succeed() const;

  private:
    friend class ReleaseAttempt;
    void look_at_holds(State& state);

    Oracle& oracle_;
    std::vector<std::string> ids_;
    bool may_succeed_ = false;
};

class Oracle::HoldAttempt {
  public:
    HoldAttempt(Oracle& oracle, std::string id);
    /// The hold is there, so the point is and stays, whoever is about to forget it: unless a
    /// release that ran beside this may have taken the hold away.
    void succeeded(const std::string& point_name);

  private:
    Oracle& oracle_;
    std::string id_;
    unsigned releases_begun_ = 0;
};

class Oracle::ReleaseAttempt {
  public:
    ReleaseAttempt(Oracle& oracle, std::string id);
    ~ReleaseAttempt();
    ReleaseAttempt(const ReleaseAttempt&) = delete;
    ReleaseAttempt& operator=(const ReleaseAttempt&) = delete;

  private:
    Oracle& oracle_;
    std::string id_;
};

}  // namespace backup::model_test
