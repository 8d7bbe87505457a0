// SPDX-License-Identifier: Apache-2.0
// How many movers of this run are in each namespace: one that a quota refuses may start when
// another has gone. Safe to be used from any thread.
#pragma once

#include "core/base/synchronized.hpp"
#include "core/volume/mover.hpp"

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>

namespace backup::capture {

class MoverSlots {
  public:
    using Start = std::function<std::unique_ptr<volume::Mover>()>;

    /// What `start` gives or throws; where a quota refuses it and other movers of the namespace are
    /// there, tried again each time that one of them has gone. This must outlive the mover.
    std::unique_ptr<volume::Mover> start(const std::string& ns,
                                         const Start& start,
                                         const std::stop_token& stop);

  private:
    class Counted;

    struct Namespace {
        std::size_t movers = 0;  // also those that are being started
        std::uint64_t gone = 0;
    };

    std::uint64_t note_coming(const std::string& ns);
    bool wait_for_room(const std::string& ns, std::uint64_t seen, const std::stop_token& stop);
    void note_gone(const std::string& ns, bool makes_room);

    Synchronized<std::map<std::string, Namespace>> namespaces_;
    std::condition_variable_any changed_;
};

}  // namespace backup::capture
