// SPDX-License-Identifier: Apache-2.0
#define FUSE_USE_VERSION 312

#include "fuse/request.hpp"

#include "core/base/patience.hpp"
#include "fuse/mounted_view.hpp"
#include "fuse/reply.hpp"

#include <fuse_lowlevel.h>

#include <cerrno>
#include <csignal>
#include <memory>

namespace backup::fuse {

namespace {

int run(const Action& action, MountedView& view, Request& request) {
    return errno_after([&view](const Error& error) { view.journal().add(error); },
                       [&] { action(view, request); });
}

/// As above, on a thread that may wait: as long as the answer is wanted.
int run_patiently(const Action& action, MountedView& view, Request& request) {
    const PatienceLimit limit([&] { return view.is_ending() || !request.is_wanted(); });
    const int problem = run(action, view, request);
    return problem == EINTR && view.is_ending() ? ENOTCONN : problem;
}

void reply_error(fuse_req_t handle, Request& request, int problem) {
    if (problem != 0 && request.take()) {
        fuse_reply_err(handle, problem);
    }
}

void run_in_pool(fuse_req_t handle, MountedView& view, Action action) {
    const auto request = std::make_shared<Request>(handle);
    request->let_interrupt();
    view.io().submit([handle, request, &view, action = std::move(action)] {
        if (request->is_taken()) {
            return;
        }
        reply_error(handle, *request, run_patiently(action, view, *request));
    });
}

/// One of the few threads that may wait, while it lives.
class WaitingPlace {
  public:
    explicit WaitingPlace(std::atomic<int>& places) : places_(places) {
        is_taken_ = places_.fetch_sub(1) > 0;
    }

    WaitingPlace(const WaitingPlace&) = delete;
    WaitingPlace& operator=(const WaitingPlace&) = delete;

    ~WaitingPlace() { places_.fetch_add(1); }

    bool is_taken() const { return is_taken_; }

  private:
    std::atomic<int>& places_;
    bool is_taken_;
};

}  // namespace

bool Request::take() {
    {
        const std::scoped_lock lock(mutex_);
        if (is_taken_) {
            return false;
        }
        is_taken_ = true;
        if (!is_interruptible_) {
            return true;
        }
    }
    // Returns when no interruption is under way any more: it would use this.
    fuse_req_interrupt_func(request_, nullptr, nullptr);
    return true;
}

bool Request::is_taken() const {
    const std::scoped_lock lock(mutex_);
    return is_taken_;
}

bool Request::is_wanted() const {
    if (is_taken()) {
        return false;
    }
    // The kernel does not tell of a killed caller for which it reads ahead.
    return caller_ <= 0 || ::kill(caller_, 0) == 0 || errno != ESRCH;
}

void Request::let_interrupt() {
    caller_ = fuse_req_ctx(request_)->pid;
    // An interruption that came before is told within the call, which goes on to use the request:
    // it must not be answered in there.
    fuse_req_interrupt_func(request_, interrupted, this);
    {
        const std::scoped_lock lock(mutex_);
        is_interruptible_ = true;
        if (!was_interrupted_) {
            return;
        }
    }
    if (take()) {
        fuse_reply_err(request_, EINTR);
    }
}

void Request::interrupted(fuse_req* request, void* data) {
    auto& self = *static_cast<Request*>(data);
    const std::scoped_lock lock(self.mutex_);
    if (!self.is_interruptible_) {
        self.was_interrupted_ = true;
    } else if (!self.is_taken_) {
        self.is_taken_ = true;
        fuse_reply_err(request, EINTR);
    }
}

void answer(fuse_req* request, Action action) {
    auto& view = *static_cast<MountedView*>(fuse_req_userdata(request));
    if (const WaitingPlace place(view.waiting_places()); place.is_taken()) {
        Request waiting(request);
        waiting.let_interrupt();
        reply_error(
            request, waiting, waiting.is_taken() ? 0 : run_patiently(action, view, waiting));
        return;
    }
    Request direct(request);
    int problem = 0;
    bool has_to_wait = false;
    {
        const Impatience impatience;
        problem = run(action, view, direct);
        has_to_wait = impatience.was_tried() && !direct.is_taken();
    }
    if (has_to_wait) {
        run_in_pool(request, view, std::move(action));
    } else {
        reply_error(request, direct, problem);
    }
}

}  // namespace backup::fuse
