// SPDX-License-Identifier: Apache-2.0
#include "core/base/patience.hpp"

#include "core/base/error.hpp"

#include <utility>

namespace backup {

namespace {

thread_local Impatience* impatience_of_thread = nullptr;

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

void need_patience() {
    if (impatience_of_thread != nullptr) {
        impatience_of_thread->was_tried_ = true;
        throw Error(ErrorCode::Interrupted, "this would have to wait for the storage");
    }
}

}  // namespace backup
