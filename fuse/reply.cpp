// SPDX-License-Identifier: Apache-2.0
#include "fuse/reply.hpp"

#include <cerrno>
#include <new>

namespace backup::fuse {

int errno_of(const Error& error) {
    switch (error.code()) {
        // Not NotFound: that is a part of the repository that is missing, and the file is there.
        case ErrorCode::PathNotFound:
        case ErrorCode::PointNotFound:
            return ENOENT;
        case ErrorCode::Interrupted:
            return EINTR;
        case ErrorCode::TimedOut:
            return ETIMEDOUT;
        case ErrorCode::InvalidArgument:
        case ErrorCode::Usage:
            return EINVAL;
        case ErrorCode::Unsupported:
            return EOPNOTSUPP;
        case ErrorCode::Forbidden:
            return EACCES;
        default:
            return EIO;
    }
}

int errno_after(const ReportError& report, const std::function<void()>& action) {
    try {
        action();
        return 0;
    } catch (const Error& error) {
        const int number = errno_of(error);
        if (number != ENOENT && number != EINTR) {
            report(error);
        }
        return number;
    } catch (const std::bad_alloc&) {
        return ENOMEM;
    } catch (const std::exception& unexpected) {
        report(Error(ErrorCode::Internal, unexpected.what()));
        return EIO;
    }
}

}  // namespace backup::fuse
