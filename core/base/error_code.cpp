// SPDX-License-Identifier: Apache-2.0
#include "core/base/error_code.hpp"

#include <array>
#include <cstddef>

namespace backup {

namespace {

using enum ErrorCode;

constexpr std::array kCatalog = {
    ErrorCodeInfo{
        Internal, "Internal", 1, "this is a bug: please report it with the command and -v 4"},
    ErrorCodeInfo{Usage, "Usage", 2, "see 'kubectl backup help'"},
    ErrorCodeInfo{InvalidArgument, "InvalidArgument", 2, ""},
    ErrorCodeInfo{NotFound, "NotFound", 1, ""},
    ErrorCodeInfo{AlreadyExists, "AlreadyExists", 1, ""},
    ErrorCodeInfo{Io, "Io", 1, ""},
    ErrorCodeInfo{NoSpace,
                  "NoSpace",
                  1,
                  "free some space and run the command again: what is stored stays valid"},
    ErrorCodeInfo{ReadOnly, "ReadOnly", 1, "choose a place that can be written, with --repo"},
    ErrorCodeInfo{Interrupted, "Interrupted", 130, ""},
    ErrorCodeInfo{TimedOut, "TimedOut", 1, ""},
    ErrorCodeInfo{Unsupported, "Unsupported", 1, ""},
    ErrorCodeInfo{Incomplete, "Incomplete", 3, "'kubectl backup describe' shows the ledger"},
    ErrorCodeInfo{NoRepository, "NoRepository", 10, "make one with 'kubectl backup init'"},
    ErrorCodeInfo{RepositoryExists, "RepositoryExists", 1, ""},
    ErrorCodeInfo{
        WrongKey, "WrongKey", 12, "give the key this repository was made with: --key-file"},
    ErrorCodeInfo{KeyMissing,
                  "KeyMissing",
                  12,
                  "copy the key file here, or give it with --key-file or --passphrase-file"},
    ErrorCodeInfo{CorruptData, "CorruptData", 13, "run 'kubectl backup verify --read-data'"},
    ErrorCodeInfo{PointNotFound, "PointNotFound", 1, "'kubectl backup list' shows the points"},
    ErrorCodeInfo{PathNotFound, "PathNotFound", 1, "'kubectl backup ls POINT' shows the paths"},
    ErrorCodeInfo{UnknownFormat, "UnknownFormat", 1, "a newer version of this program made it"},
    ErrorCodeInfo{KubeconfigInvalid, "KubeconfigInvalid", 1, "see 'kubectl config view'"},
    ErrorCodeInfo{ClusterUnreachable,
                  "ClusterUnreachable",
                  20,
                  "check the server address with 'kubectl cluster-info'"},
    ErrorCodeInfo{Unauthorized, "Unauthorized", 21, "log in to the cluster again"},
    ErrorCodeInfo{Forbidden, "Forbidden", 21, "docs/rbac.md lists the rules that are needed"},
    ErrorCodeInfo{KubeNotFound, "KubeNotFound", 1, ""},
    ErrorCodeInfo{KubeConflict, "KubeConflict", 1, ""},
    ErrorCodeInfo{KubeExpired, "KubeExpired", 1, ""},
    ErrorCodeInfo{KubeThrottled, "KubeThrottled", 1, "the API server is busy: try again later"},
    ErrorCodeInfo{KubeServerError, "KubeServerError", 1, ""},
    ErrorCodeInfo{KubeInvalid, "KubeInvalid", 1, ""},
    ErrorCodeInfo{ExecFailed, "ExecFailed", 1, ""},
    ErrorCodeInfo{MoverFailed, "MoverFailed", 1, ""},
    ErrorCodeInfo{MountFailed, "MountFailed", 1, "is fuse3 installed, and /dev/fuse there?"},
    ErrorCodeInfo{MountPointBusy, "MountPointBusy", 1, "choose an empty directory"},
    ErrorCodeInfo{NotMounted, "NotMounted", 1, ""},
};

constexpr bool in_order() {
    for (std::size_t i = 0; i < kCatalog.size(); ++i) {
        if (static_cast<std::size_t>(kCatalog[i].code) != i) {
            return false;
        }
    }
    return kCatalog.size() == static_cast<std::size_t>(NotMounted) + 1;
}

static_assert(in_order(), "one row for each ErrorCode, in the order of the enumeration");

}  // namespace

std::span<const ErrorCodeInfo> all_error_codes() {
    return kCatalog;
}

const ErrorCodeInfo& info_of(ErrorCode code) {
    return kCatalog.at(static_cast<std::size_t>(code));
}

}  // namespace backup
