// SPDX-License-Identifier: Apache-2.0
#include "plugin/point_checks.hpp"

#include "core/base/text.hpp"
#include "plugin/cli/exit_report.hpp"
#include "plugin/commands/points.hpp"
#include "plugin/context.hpp"

#include <vector>

namespace backup::plugin {

PointChecks load_point_checks(Context& context, const repository::Repository& repository) {
    const auto warn = [&context](const std::string& what, const Error& error) {
        context.warn(concat(what, " cannot be read: ", error.what()));
    };
    PointChecks checks;
    const auto failure =
        failure_of([&] { checks = maintenance::load_checks(repository, warn).points; });
    if (failure && failure->code() == ErrorCode::Interrupted) {
        throw Error(*failure);
    }
    if (failure) {
        warn("what verify remembers", *failure);
    }
    return checks;
}

const maintenance::Check* find_check(const PointChecks& checks, const std::string& id) {
    const auto found = checks.find(id);
    return found == checks.end() ? nullptr : &found->second;
}

void warn_of_damage(Context& context,
                    const PointChecks& checks,
                    std::span<const repository::PointRecord> points) {
    constexpr std::size_t kMostNames = 3;
    std::vector<std::string> names;
    for (const auto& record : points) {
        const auto* const check = find_check(checks, record.point.id);
        if (check != nullptr && !check->is_sound) {
            names.push_back(record.point.name);
        }
    }
    if (!names.empty()) {
        context.warn(concat("damaged when last verified: ",
                            printable(some_names(names, kMostNames)),
                            "; ",
                            kNamesWhatIsLost));
    }
}

}  // namespace backup::plugin
