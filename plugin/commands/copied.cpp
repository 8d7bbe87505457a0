// SPDX-License-Identifier: Apache-2.0
#include "plugin/commands/copied.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/base/units.hpp"
#include "plugin/context.hpp"

namespace backup::plugin {

namespace {

Json problems_json(const volume::SinkResult& result) {
    Json::Array problems;
    for (const auto& problem : result.problems) {
        problems.push_back(
            Json::object({{"subject", problem.subject}, {"message", problem.message}}));
    }
    return problems;
}

}  // namespace

int report_copied(Context& context, const volume::SinkResult& result, std::string_view target) {
    const auto output = context.output();
    if (is_for_programs(output.format)) {
        print_record(output,
                     "Copy",
                     Json::object({{"target", target},
                                   {"files", result.files},
                                   {"directories", result.directories},
                                   {"bytes", result.bytes},
                                   {"problemCount", result.problem_count},
                                   {"problems", problems_json(result)}}));
    } else {
        context.say(concat(result.files,
                           result.files == 1 ? " file, " : " files, ",
                           format_size(result.bytes),
                           " copied to ",
                           printable(target)));
        constexpr std::size_t kMost = 20;
        for (std::size_t i = 0; i < std::min(result.problems.size(), kMost); ++i) {
            context.warn(
                printable(concat(result.problems[i].subject, ": ", result.problems[i].message)));
        }
        if (result.problem_count > kMost) {
            context.warn(concat(result.problem_count - kMost, " more problems"));
        }
    }
    return result.problem_count == 0 ? 0 : info_of(ErrorCode::Incomplete).exit_code;
}

}  // namespace backup::plugin
