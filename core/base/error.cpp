// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"

#include "core/base/text.hpp"

#include <cerrno>
#include <system_error>

namespace backup {

Error::Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {
    compose();
}

Error&& Error::hint(std::string text) && {
    hint_ = std::move(text);
    return std::move(*this);
}

Error&& Error::retryable(bool value) && {
    retryable_ = value;
    return std::move(*this);
}

void Error::add_context(std::string frame) {
    context_.insert(context_.begin(), std::move(frame));
    compose();
}

std::string_view Error::hint() const {
    return hint_.empty() ? info_of(code_).default_hint : std::string_view(hint_);
}

void Error::compose() {
    full_.clear();
    for (const auto& frame : context_) {
        full_ += frame;
        full_ += ": ";
    }
    full_ += message_;
}

Error system_error(int error_number, std::string_view what) {
    const auto code = [error_number] {
        switch (error_number) {
            case ENOSPC:
            case EDQUOT:
                return ErrorCode::NoSpace;
            case EROFS:
                return ErrorCode::ReadOnly;
            case ENOENT:
                return ErrorCode::NotFound;
            case EEXIST:
                return ErrorCode::AlreadyExists;
            case EINTR:
                return ErrorCode::Interrupted;
            default:
                return ErrorCode::Io;
        }
    }();
    return {code, concat(what, ": ", std::generic_category().message(error_number))};
}

}  // namespace backup
