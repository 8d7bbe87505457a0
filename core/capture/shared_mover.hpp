// SPDX-License-Identifier: Apache-2.0
// One mover for several volumes that are read at the same time by different threads: started when
// the first needs it, again when it was killed, and taken away when the last is done.
#pragma once

#include "core/base/error.hpp"
#include "core/volume/mover.hpp"

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace backup::capture {

/// A connection, or a server between us and the mover, or a pod that was ended: it may be otherwise
/// the next time, and says nothing of the volume.
bool is_about_the_way(const Error& error);

class SharedMover {
  public:
    /// Gets what could not be removed after a start that failed.
    using Complain = std::function<void(const Error&)>;
    using Start = std::function<std::unique_ptr<volume::Mover>(const Complain&)>;

    /// `users` threads each call leave() once.
    SharedMover(Start start, std::size_t users) : start_(std::move(start)), users_(users) {}

    /// Starts it when there is none. Throws what that throws, to all of them. Only what is about
    /// the way is tried again, by the first that comes with a higher number of its attempt: so all
    /// users together try no more often than each.
    std::shared_ptr<volume::Mover> get(int attempt = 1);

    /// A channel of its own for each volume.
    std::unique_ptr<volume::Channel> open_channel(volume::Mover& mover);

    /// get() throws because the mover could not be started.
    bool has_failed();

    /// After a channel of it broke: whether it has ended. Then the next get() starts another one.
    volume::MoverEnd look_after(const std::shared_ptr<volume::Mover>& mover);

    /// The last one takes the mover away, and gets all that could not be removed meanwhile.
    std::vector<Error> leave();

  private:
    void start(int attempt);
    void close(std::shared_ptr<volume::Mover> mover);

    std::mutex mutex_;
    Start start_;
    std::shared_ptr<volume::Mover> mover_;
    std::optional<Error> failure_;
    int failed_attempt_ = 0;
    std::vector<Error> leftovers_;
    std::size_t users_;
};

}  // namespace backup::capture
