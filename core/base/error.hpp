// SPDX-License-Identifier: Apache-2.0
// The one exception of this program. Thrown when the asked operation cannot be done; "not there"
// as an answer is an optional, one failed part of many is a Problem (core/base/problem.hpp).
// Caught only at the four boundaries: plugin/cli/exit_report, fuse/reply, base/task_group,
// base/retry.
#pragma once

#include "core/base/error_code.hpp"

#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace backup {

class Error : public std::exception {
  public:
    /// `message` names the thing, has no prefix and no period.
    Error(ErrorCode code, std::string message);

    Error&& hint(std::string text) &&;
    /// The operation may succeed when it is simply tried again (base/retry).
    Error&& retryable(bool value = true) &&;
    /// Puts what was being done in front: "volume data-0: ...". Called on the way up.
    void add_context(std::string frame);

    ErrorCode code() const { return code_; }

    const std::string& message() const { return message_; }

    /// Outermost first.
    const std::vector<std::string>& context() const { return context_; }

    /// The thrower's hint, otherwise the catalog's; may be empty.
    std::string_view hint() const;

    bool is_retryable() const { return retryable_; }

    int exit_code() const { return info_of(code_).exit_code; }

    /// Context frames and message joined by ": ".
    const char* what() const noexcept override { return full_.c_str(); }

  private:
    void compose();

    ErrorCode code_;
    std::string message_;
    std::string hint_;
    std::vector<std::string> context_;
    std::string full_;
    bool retryable_ = false;
};

/// An Error from errno: ENOSPC, EROFS, ENOENT, EEXIST, EINTR get their own codes, the rest is Io.
/// `what` says what was tried on which path: "write /backups/packs/ab".
Error system_error(int error_number, std::string_view what);

/// Runs `action`; an Error that leaves it gets `describe()` as a further context frame.
template <typename Describe, typename Action>
decltype(auto) with_context(Describe&& describe, Action&& action) {
    try {
        return std::forward<Action>(action)();
    } catch (Error& error) {
        error.add_context(std::forward<Describe>(describe)());
        throw;
    }
}

}  // namespace backup
