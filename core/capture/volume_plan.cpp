// SPDX-License-Identifier: Apache-2.0
#include "core/capture/volume_plan.hpp"

#include "core/base/text.hpp"
#include "core/kube/access_review.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <utility>

namespace backup::capture {

namespace {

constexpr std::string_view kDataMark = "kubectl-backup/data";

void skip(model::VolumeRecord& record, model::SkipReason reason, std::string_view message) {
    record.outcome = model::Outcome::Skipped;
    record.reason = reason;
    record.message = message;
}

model::VolumeRecord plan_volume(const Claim& claim, const Scope& scope) {
    model::VolumeRecord record;
    record.name_space = claim.facts.key.ns;
    record.claim = claim.facts.key.name;
    const auto mark = claim.facts.annotations.find(kDataMark);
    const auto phase = claim.document.text_at({"status", "phase"});
    if (scope.volumes == VolumeMode::None) {
        skip(record, model::SkipReason::ExcludedByUser, "--volumes=none");
    } else if (mark != claim.facts.annotations.end() && mark->second == "skip") {
        skip(record, model::SkipReason::ExcludedByMark, "kubectl-backup/data: skip");
    } else if (phase == "Lost") {
        record.outcome = model::Outcome::Failed;
        record.message = "the claim has lost its volume";
    } else if (phase != "Bound") {
        skip(record, model::SkipReason::Unbound, "the claim has no volume yet");
    } else {
        record.method = "live";
    }
    return record;
}

std::vector<kube::Permission> mover_permissions(const std::string& ns) {
    constexpr std::array<std::tuple<std::string_view, std::string_view, std::string_view>, 8>
        needed = {{{"create", "pods", ""},
                   {"get", "pods", ""},
                   {"delete", "pods", ""},
                   {"get", "pods", "exec"},
                   {"create", "pods", "exec"},
                   {"create", "configmaps", ""},
                   {"get", "configmaps", ""},
                   {"delete", "configmaps", ""}}};
    std::vector<kube::Permission> permissions;
    for (const auto& [verb, resource, subresource] : needed) {
        permissions.push_back(
            {std::string(verb), "", std::string(resource), std::string(subresource), ns});
    }
    return permissions;
}

}  // namespace

std::vector<model::VolumeRecord> plan_volumes(const std::vector<Claim>& claims,
                                              const Scope& scope) {
    std::vector<model::VolumeRecord> records;
    for (const auto& claim : claims) {
        records.push_back(plan_volume(claim, scope));
    }
    std::sort(records.begin(), records.end(), [](const auto& a, const auto& b) {
        return std::tie(a.name_space, a.claim) < std::tie(b.name_space, b.claim);
    });
    return records;
}

void check_volume_rights(kube::Client& client,
                         std::vector<model::VolumeRecord>& volumes,
                         std::stop_token stop) {
    std::vector<kube::Permission> wanted;
    std::map<std::string, std::vector<std::string>> missing;
    for (const auto& record : volumes) {
        if (!record.method.empty() && missing.try_emplace(record.name_space).second) {
            const auto permissions = mover_permissions(record.name_space);
            wanted.insert(wanted.end(), permissions.begin(), permissions.end());
        }
    }
    if (wanted.empty()) {
        return;
    }
    for (const auto& permission : kube::find_denied(client, wanted, std::move(stop))) {
        missing[permission.ns].push_back(kube::format_permission(permission));
    }
    for (auto& record : volumes) {
        const auto& denied = missing[record.name_space];
        if (!record.method.empty() && !denied.empty()) {
            record.outcome = model::Outcome::Failed;
            record.method.clear();
            record.message = concat("not allowed: ",
                                    join(denied, ", "),
                                    " (docs/rbac.md has the rules; --volumes=none leaves "
                                    "volumes out)");
        }
    }
}

}  // namespace backup::capture
