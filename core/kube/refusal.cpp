// SPDX-License-Identifier: Apache-2.0
#include "core/kube/refusal.hpp"

#include <algorithm>
#include <array>

namespace backup::kube {

namespace {

struct Mark {
    std::string_view words;
    Refusal refusal;
};

constexpr std::array<Mark, 13> kMarks = {{
    {"because it is being terminated", Refusal::NamespaceTerminating},
    {"exceeded quota", Refusal::Quota},
    {"failed quota", Refusal::Quota},
    {"status unknown for quota", Refusal::Quota},
    {"insufficient quota", Refusal::Quota},
    {"usage per Pod is", Refusal::Quota},
    {"usage per Container is", Refusal::Quota},
    {"max limit to request ratio per", Refusal::Quota},
    {"violates PodSecurity", Refusal::Admission},
    {"PodSecurityPolicy", Refusal::Admission},
    {"unable to validate against any security context constraint", Refusal::Admission},
    {"admission webhook", Refusal::Admission},
    {"ValidatingAdmissionPolicy", Refusal::Admission},
}};

}  // namespace

Refusal refusal_of(std::string_view message) {
    // RBAC first: its message quotes names that others have chosen.
    if (message.find(" cannot ") != std::string_view::npos &&
        message.find(" resource \"") != std::string_view::npos) {
        return Refusal::MissingRule;
    }
    const auto* const mark = std::find_if(kMarks.begin(), kMarks.end(), [&](const Mark& known) {
        return message.find(known.words) != std::string_view::npos;
    });
    return mark == kMarks.end() ? Refusal::MissingRule : mark->refusal;
}

bool is_without_answer(ErrorCode code) {
    switch (code) {
        case ErrorCode::TimedOut:
        case ErrorCode::KubeServerError:
        case ErrorCode::KubeThrottled:
        case ErrorCode::KubeExpired:
            return true;
        default:
            return false;
    }
}

model::SkipReason reason_of(const Error& error) {
    const auto reason = model::reason_of(error.code());
    if (reason != model::SkipReason::Forbidden && error.code() != ErrorCode::KubeInvalid) {
        return reason;
    }
    switch (refusal_of(error.what())) {
        case Refusal::Quota:
            return model::SkipReason::QuotaExceeded;
        case Refusal::Admission:
            return model::SkipReason::NotAdmitted;
        case Refusal::NamespaceTerminating:
            return model::SkipReason::NamespaceTerminating;
        case Refusal::MissingRule:
            break;
    }
    return reason;
}

}  // namespace backup::kube
