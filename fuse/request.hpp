// SPDX-License-Identifier: Apache-2.0
// One question of the kernel, from its coming to its answer. A few of the threads that talk to the
// kernel may wait for storage themselves; when they do, the others answer what they can without
// waiting and leave the rest to the pool. Whoever waits, a caller that is killed gets its answer.
#pragma once

#include <functional>
#include <mutex>
#include <sys/types.h>

struct fuse_req;

namespace backup::fuse {

class MountedView;

class Request {
  public:
    explicit Request(fuse_req* request) : request_(request) {}

    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;

    /// True once: the caller answers now, and nobody else. False when it was answered already, as
    /// one whose caller was killed is.
    bool take();
    bool is_taken() const;

    /// From now on an interruption answers EINTR. This must live until it is taken.
    void let_interrupt();
    /// False when nobody waits for the answer any more: it was given, or since let_interrupt() the
    /// thread that asked has ended.
    bool is_wanted() const;

  private:
    static void interrupted(fuse_req* request, void* data);

    fuse_req* request_;
    pid_t caller_ = 0;  // 0: one that cannot be seen from here
    mutable std::mutex mutex_;
    bool is_taken_ = false;
    bool is_interruptible_ = false;
    bool was_interrupted_ = false;
};

/// Takes the request when it has all it needs, and answers.
using Action = std::function<void(MountedView& view, Request& request)>;

/// Runs `action`, here or in the pool; answers EIO or the like itself when the action could not.
void answer(fuse_req* request, Action action);

}  // namespace backup::fuse
