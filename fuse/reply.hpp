// SPDX-License-Identifier: Apache-2.0
// The one place where an exception becomes an errno for the kernel, and a line in .backup/errors.
#pragma once

#include "core/base/error.hpp"

#include <functional>

namespace backup::fuse {

/// Gets every error that is more than "not there".
using ReportError = std::function<void(const Error&)>;

/// ENOENT, EIO, ... for `error`.
int errno_of(const Error& error);

/// 0 when `action` succeeded; otherwise the errno of what left it, after reporting it.
int errno_after(const ReportError& report, const std::function<void()>& action);

}  // namespace backup::fuse
