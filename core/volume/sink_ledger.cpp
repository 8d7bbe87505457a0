// SPDX-License-Identifier: Apache-2.0
#include "core/volume/sink_ledger.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <cerrno>
#include <functional>
#include <unistd.h>

namespace backup::volume {

namespace {

bool ends_the_run(int error_number) {
    return error_number == ENOSPC || error_number == EDQUOT || error_number == EROFS;
}

}  // namespace

void SinkResult::add_problem(std::string subject, std::string message) {
    constexpr std::size_t kKept = 1000;
    ++problem_count;
    if (problems.size() < kKept) {
        problems.push_back({std::move(subject), std::move(message), ErrorCode::Incomplete});
    }
}

std::string SinkLedger::make_working_name() {
    return concat(".kubectl-backup-", ::getpid(), "-", next_working_name_++, ".tmp");
}

void SinkLedger::fail(const std::string& path, std::string_view what, int error_number) {
    Error error = system_error(error_number, what);
    if (ends_the_run(error_number)) {
        error.add_context(printable(path));
        throw std::move(error);
    }
    give_up(path, error.message());
}

void SinkLedger::give_up(const std::string& path, std::string reason) {
    auto failures = failures_.lock();
    failures->problems.add_problem(printable(path), std::move(reason));
    // Into an empty target nothing older can be there.
    if (options.overwrites) {
        failures->unmade.insert(std::hash<std::string_view>()(path));
    }
}

bool SinkLedger::is_unmade(std::string_view path) {
    auto failures = failures_.lock();
    const auto& unmade = failures->unmade;
    while (!unmade.empty() && !path.empty()) {
        if (unmade.contains(std::hash<std::string_view>()(path))) {
            return true;
        }
        const std::size_t slash = path.rfind('/');
        path = slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
    }
    return false;
}

void SinkLedger::count_file(std::uint64_t bytes) {
    ++files_;
    bytes_ += bytes;
}

SinkResult SinkLedger::result() {
    SinkResult result = failures_.lock()->problems;
    result.files = files_;
    result.directories = directories_;
    result.bytes = bytes_;
    attributes.report(result);
    return result;
}

}  // namespace backup::volume
