// SPDX-License-Identifier: Apache-2.0
#include "core/base/patience.hpp"

#include "core/base/error.hpp"

#include <utility>

namespace backup {

namespace {

thread_local Impatience* impatience_of_thread = nullptr;
thread_local PatienceLimit* limit_of_thread = nullptr;

}  // namespace

Impatience::Impatience() {
    if (impatience_of_thread != nullptr) {
        throw Error(ErrorCode::Internal, "a thread is impatient twice");
    }
    impatience_of_thread = this;
}

Impatience::~Impatience() {
    impatience_of_thread = nullptr;
}

PatienceLimit::PatienceLimit(std::function<bool()> is_over) : is_over_(std::move(is_over)) {
    if (limit_of_thread != nullptr) {
        throw Error(ErrorCode::Internal, "the patience of a thread is limited twice");
    }
    limit_of_thread = this;
}

PatienceLimit::~PatienceLimit() {
    limit_of_thread = nullptr;
}

void need_patience() {
    if (impatience_of_thread != nullptr) {
        impatience_of_thread->was_tried_ = true;
        throw Error(ErrorCode::Interrupted, "this would have to wait for the storage");
    }
    if (limit_of_thread != nullptr && limit_of_thread->is_over_()) {
        throw Error(ErrorCode::Interrupted, "nobody waits for this any more");
    }
}

}  // namespace backup
