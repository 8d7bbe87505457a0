// SPDX-License-Identifier: Apache-2.0
// Whether the calling thread may wait for storage. A thread that answers many (the mount's) tries
// with Impatience first, and hands to another thread what could not be done without waiting. That
// one waits as long as somebody wants the answer.
#pragma once

#include <functional>

namespace backup {

/// While it lives, need_patience() throws on the thread that made it. Does not nest.
class Impatience {
  public:
    Impatience();
    ~Impatience();
    Impatience(const Impatience&) = delete;
    Impatience& operator=(const Impatience&) = delete;

    /// Something would have waited: what failed may succeed on a thread that has patience.
    bool was_tried() const { return was_tried_; }

  private:
    friend void need_patience();

    bool was_tried_ = false;
};

/// While it lives, need_patience() throws on the thread that made it as soon as `is_over` says so:
/// whoever asked has gone. Does not nest.
class PatienceLimit {
  public:
    explicit PatienceLimit(std::function<bool()> is_over);
    ~PatienceLimit();
    PatienceLimit(const PatienceLimit&) = delete;
    PatienceLimit& operator=(const PatienceLimit&) = delete;

  private:
    friend void need_patience();

    std::function<bool()> is_over_;
};

/// To be called before anything that may take long: reading storage, waiting for a thread that
/// reads it. Throws Interrupted where nothing may wait, or nobody waits any more.
void need_patience();

}  // namespace backup
