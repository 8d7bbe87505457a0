// SPDX-License-Identifier: Apache-2.0
#include "core/model/skip_reason.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace backup::model {

namespace {

using enum SkipReason;

constexpr std::array kReasons = {NeverStored,
                                 ExcludedByUser,
                                 ExcludedByMark,
                                 ExcludedByPolicy,
                                 OnlyWhenNamed,
                                 NotListable,
                                 Terminating,
                                 DeletedMeanwhile,
                                 Unbound,
                                 NoData,
                                 BlockWithoutAccess,
                                 UnsupportedVolume,
                                 InUse,
                                 GroupIgnored,
                                 Forbidden,
                                 QuotaExceeded,
                                 NotAdmitted,
                                 NamespaceTerminating,
                                 LostVolume,
                                 NodeUnavailable,
                                 NotRunning,
                                 SnapshotFailed,
                                 HookFailed,
                                 MoverFailed,
                                 StreamBroken,
                                 TimedOut,
                                 ApiUnavailable};

static_assert(kReasons.size() + 1 == static_cast<std::size_t>(Other), "each reason but two");

/// In the order of the enumeration.
constexpr std::array<std::string_view, static_cast<std::size_t>(Other) + 1> kWords = {
    "None",
    "NeverStored",
    "ExcludedByUser",
    "ExcludedByMark",
    "ExcludedByPolicy",
    "OnlyWhenNamed",
    "NotListable",
    "Terminating",
    "DeletedMeanwhile",
    "Unbound",
    "NoData",
    "BlockWithoutAccess",
    "UnsupportedVolume",
    "InUse",
    "GroupIgnored",
    "Forbidden",
    "QuotaExceeded",
    "NotAdmitted",
    "NamespaceTerminating",
    "LostVolume",
    "NodeUnavailable",
    "NotRunning",
    "SnapshotFailed",
    "HookFailed",
    "MoverFailed",
    "StreamBroken",
    "TimedOut",
    "ApiUnavailable",
    "Other"};

static_assert(kWords.back() == "Other", "a word for each reason");

}  // namespace

std::span<const SkipReason> all_skip_reasons() {
    return kReasons;
}

std::string_view to_text(SkipReason reason) {
    return kWords.at(static_cast<std::size_t>(reason));
}

SkipReason skip_reason_from_text(std::string_view text) {
    if (text == to_text(None)) {
        return None;
    }
    const auto* const found = std::find_if(
        kReasons.begin(), kReasons.end(), [text](auto reason) { return to_text(reason) == text; });
    return found == kReasons.end() ? Other : *found;
}

bool is_loss(SkipReason reason) {
    switch (reason) {
        case BlockWithoutAccess:
        case UnsupportedVolume:
        case InUse:
            return true;
        default:
            return reason >= Forbidden && reason != Other;
    }
}

SkipReason reason_of(ErrorCode code) {
    switch (code) {
        case ErrorCode::Forbidden:
        case ErrorCode::Unauthorized:
            return Forbidden;
        case ErrorCode::TimedOut:
            return TimedOut;
        case ErrorCode::KubeServerError:
        case ErrorCode::KubeThrottled:
        case ErrorCode::ClusterUnreachable:
            return ApiUnavailable;
        case ErrorCode::ExecFailed:
            return StreamBroken;
        case ErrorCode::MoverFailed:
            return MoverFailed;
        default:
            return None;
    }
}

}  // namespace backup::model
