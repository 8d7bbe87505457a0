// SPDX-License-Identifier: Apache-2.0
// What the clients were promised, kept apart from the repository, and the proof that it is true:
// every point whose commit returned and that nobody asked to forget gives back every byte.
#pragma once

#include "core/base/synchronized.hpp"
#include "core/repository/keys.hpp"
#include "tests/support/test_repository.hpp"

#include <map>
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
    /// The attempt was refused before anything was done.
    void kept(const std::string& id);
    void held(const std::string& id);
    void about_to_release(const std::string& id);

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
    };

    struct State {
        std::map<std::string, testing::Files> expected;  // by the point's name
        std::map<std::string, Promise> promises;         // by the point's id
    };

    std::vector<std::string> find_broken(bool all_points) const;

    backend::Backend& storage_;
    repository::KeyFile key_;
    mutable Synchronized<State> state_;
};

}  // namespace backup::model_test
