// SPDX-License-Identifier: Apache-2.0
// The catalog of errors: the only file of this layer that names domain things, because exit codes
// and docs/errors.md need one list (a test holds the two together).
#pragma once

#include <span>
#include <string_view>

namespace backup {

enum class ErrorCode {
    Internal,
    Usage,
    InvalidArgument,
    NotFound,
    AlreadyExists,
    Io,
    NoSpace,
    ReadOnly,
    Interrupted,
    TimedOut,
    Unsupported,
    Incomplete,
    // repository
    NoRepository,
    RepositoryExists,
    WrongKey,
    KeyMissing,
    CorruptData,
    PointNotFound,
    PathNotFound,
    UnknownFormat,
    // cluster
    KubeconfigInvalid,
    ClusterUnreachable,
    Unauthorized,
    Forbidden,
    KubeNotFound,
    KubeConflict,
    KubeExpired,
    KubeThrottled,
    KubeServerError,
    KubeInvalid,
    ExecFailed,
    MoverFailed,
    // mount
    MountFailed,
    MountPointBusy,
    NotMounted,
};

struct ErrorCodeInfo {
    ErrorCode code;
    std::string_view name;          // stable, CamelCase: printed, in JSON, in docs/errors.md
    int exit_code;                  // stable, docs/errors.md
    std::string_view default_hint;  // used when the thrower knew no better one; may be empty
};

/// Every code once, in the order of the enumeration.
std::span<const ErrorCodeInfo> all_error_codes();

const ErrorCodeInfo& info_of(ErrorCode code);

}  // namespace backup
