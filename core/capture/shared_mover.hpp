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

namespace backup::capture {

class SharedMover {
  public:
    using Start = std::function<std::unique_ptr<volume::Mover>()>;

    /// `users` threads each call leave() once.
    SharedMover(Start start, std::size_t users) : start_(std::move(start)), users_(users) {}

    /// Starts it when there is none. Throws what that throws; a start that failed is not tried
    /// again by the others.
    std::shared_ptr<volume::Mover> get();

    /// A channel of its own for each volume.
    std::unique_ptr<volume::Channel> open_channel(volume::Mover& mover);

    /// get() throws because the mover could not be started.
    bool has_failed();

    /// After a channel of it broke: whether it has ended. Then the next get() starts another one.
    volume::MoverEnd look_after(const std::shared_ptr<volume::Mover>& mover);

    /// The last one takes the mover away; what went wrong then.
    std::optional<Error> leave();

  private:
    std::optional<Error> close(std::shared_ptr<volume::Mover> mover);

    std::mutex mutex_;
    Start start_;
    std::shared_ptr<volume::Mover> mover_;
    std::optional<Error> failure_;
    std::size_t users_;
};

}  // namespace backup::capture
