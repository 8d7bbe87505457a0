// SPDX-License-Identifier: Apache-2.0
// The resourceVersion at which the lists of a run are read, so that they show one moment. It lasts
// until the storage compacts it away (about five minutes); then the next list begins a new one.
#pragma once

#include "core/base/synchronized.hpp"

#include <string>

namespace backup::capture {

/// Safe to call from many threads.
class ListMoment {
  public:
    /// Empty: there is none.
    std::string version() { return *version_.lock(); }

    /// A list was begun at it; it is taken when there is none.
    void offer(const std::string& version) {
        auto mine = version_.lock();
        if (mine->empty()) {
            *mine = version;
        }
    }

    /// The server does not have it any more.
    void expire(const std::string& version) {
        auto mine = version_.lock();
        if (*mine == version) {
            mine->clear();
        }
    }

  private:
    Synchronized<std::string> version_;
};

}  // namespace backup::capture
