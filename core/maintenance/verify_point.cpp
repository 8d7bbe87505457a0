// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/verify_point.hpp"

#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/repository/blob_access.hpp"
#include "core/repository/blob_name.hpp"

#include <algorithm>

namespace backup::maintenance {

using namespace repository;

namespace {

bool all_may_pass(const std::vector<Problem>& problems) {
    return std::all_of(problems.begin(), problems.end(), [](const Problem& problem) {
        return may_pass(problem.code);
    });
}

bool has_timed_out(const std::vector<Problem>& problems) {
    return std::any_of(problems.begin(), problems.end(), [](const Problem& problem) {
        return problem.code == ErrorCode::TimedOut;
    });
}

}  // namespace

bool may_pass(ErrorCode code) {
    return code == ErrorCode::Io || code == ErrorCode::TimedOut;
}

PointFindings PointVerifier::verify(const PointRecord& record, const std::stop_token& stop) {
    PointFindings findings{look_at(record, stop), {}};
    if (findings.problems.empty() || !all_may_pass(findings.problems)) {
        findings.is_sound = findings.problems.empty();
    } else {
        findings.is_sound = judge_again(record, stop);
    }
    return findings;
}

std::optional<bool> PointVerifier::judge_again(const PointRecord& record,
                                               const std::stop_token& stop) {
    const auto problems = look_at(record, stop);
    if (!all_may_pass(problems)) {
        return false;
    }
    // A disk that went away takes everything with it.
    const bool is_lasting = !problems.empty() && !has_timed_out(problems) && !failure_of([this] {
        get_blob(repository_.backend(), kConfigName, format::kLargestConfig);
    });
    return is_lasting ? std::optional(false) : std::nullopt;
}

std::vector<Problem> PointVerifier::look_at(const PointRecord& record,
                                            const std::stop_token& stop) {
    std::vector<Problem> found;
    const auto attempt = [&](const std::function<void()>& action) {
        if (const auto failure = failure_of(action)) {
            if (failure->code() == ErrorCode::Interrupted) {
                throw Error(*failure);
            }
            found.push_back({name_of(record), failure->what(), failure->code()});
        }
    };
    attempt([&] { read_ledger(chunks_, record); });
    for (const auto* const stream : {&record.pages, &record.ledger, &record.packs}) {
        for (const auto& item : *stream) {
            attempt([&] {
                if (!is_stored_(item.first.short_id(), item.second)) {
                    throw Error(ErrorCode::CorruptData,
                                concat("its chunk ", item.first.hex(), " is not stored"));
                }
            });
        }
    }
    trees_.verify(record, found, stop);
    return found;
}

}  // namespace backup::maintenance
