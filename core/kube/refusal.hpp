// SPDX-License-Identifier: Apache-2.0
// What is behind a 403: a missing right is only one of the causes, and only that one is mended with
// RBAC. Told by the words of the API server, since the code is the same for all.
#pragma once

#include "core/base/error.hpp"
#include "core/model/skip_reason.hpp"

#include <string_view>

namespace backup::kube {

enum class Refusal {
    MissingRule,           // RBAC, and whatever does not say what it is
    Quota,                 // ResourceQuota, LimitRange
    Admission,             // Pod Security, a webhook, a validating policy
    NamespaceTerminating,  // nothing can be made in it any more
};

/// `message` is the one of the Status. Sources of the words: k8s.io/apiserver
/// pkg/admission/plugin/{resourcequota,namespace/lifecycle,webhook/errors,policy/validating},
/// k8s.io/pod-security-admission admission.go, plugin/pkg/admission/limitranger.
Refusal refusal_of(std::string_view message);

/// The server was asked and gave no answer this time: what it would have said is not known, and
/// other questions may be answered. (A connection that is gone is another thing.)
bool is_without_answer(ErrorCode code);

/// The word of the ledger for an error: its code's, and for a refusal what is behind it.
model::SkipReason reason_of(const Error& error);

}  // namespace backup::kube
