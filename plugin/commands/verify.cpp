// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/verify.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/base/units.hpp"
#include "plugin/cli/global_flags.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/context.hpp"
#include "plugin/open_repository.hpp"

#include <charconv>
#include <ostream>

namespace backup::plugin {

namespace {

constexpr std::string_view kManual =
    R"(Looks whether the repository can give back what its points promise; it never changes anything.

--quick: keys, index and points can be read, and every pack they name is there in its full size.
Without a flag also the tree of every point, and that all of its content is stored. --read-data
reads every byte too and proves it; --read-data=5% reads another twentieth at each run, so that
everything is read in time.)";

unsigned parse_percent(std::string_view text) {
    if (text.ends_with('%')) {
        text.remove_suffix(1);
    }
    unsigned percent = 0;
    const auto end = text.data() + text.size();
    const auto [stopped, problem] = std::from_chars(text.data(), end, percent);
    if (text.empty() || problem != std::errc() || stopped != end || percent < 1 || percent > 100) {
        throw Error(
            ErrorCode::Usage,
            concat(
                "--read-data cannot be \"", printable(text), "\": it is a part from 1% to 100%"));
    }
    return percent;
}

maintenance::VerifyOptions make_options(Context& context) {
    const auto& arguments = context.arguments();
    maintenance::VerifyOptions options;
    if (arguments.is_on("quick") && arguments.is_given("read-data")) {
        throw Error(ErrorCode::Usage, "--quick and --read-data exclude each other");
    }
    if (arguments.is_on("quick")) {
        options.level = maintenance::VerifyLevel::Quick;
    }
    if (arguments.is_given("read-data")) {
        options.level = maintenance::VerifyLevel::ReadData;
        options.percent = parse_percent(arguments.find_text("read-data").value_or("100%"));
        options.sample_seed = context.app().random.number();
    }
    return options;
}

void print_result(Context& context, const maintenance::VerifyResult& result) {
    const auto output = context.output();
    if (is_for_programs(output.format)) {
        Json::Array problems;
        for (const auto& problem : result.problems) {
            problems.push_back(Json::object({{"subject", problem.subject},
                                             {"message", problem.message},
                                             {"code", info_of(problem.code).name}}));
        }
        print_record(output,
                     "Verification",
                     Json::object({{"points", result.points},
                                   {"packs", result.packs},
                                   {"packsRead", result.packs_read},
                                   {"chunks", result.chunks},
                                   {"bytesRead", result.bytes_read},
                                   {"problems", std::move(problems)}}));
        return;
    }
    Table table({"SUBJECT", "PROBLEM"});
    for (const auto& problem : result.problems) {
        table.add({{problem.subject}, {problem.message, Tone::Bad}});
    }
    if (!table.is_empty()) {
        output.out << table.format({output.headers, output.colour, 0});
    }
    context.say(concat(result.points,
                       " points, ",
                       result.packs,
                       " packs, ",
                       result.chunks,
                       " chunks, ",
                       format_size(result.bytes_read),
                       " read: ",
                       result.problems.empty() ? "no problems found"
                                               : concat(result.problems.size(), " problems")));
}

int run(Context& context) {
    const auto options = make_options(context);
    auto& opened = context.repository();
    const auto stop = context.app().stop_token();
    maintenance::VerifyResult result;
    {
        const auto progress = context.make_progress();
        result = maintenance::verify_repository(opened.repository, options, *progress, stop);
    }
    print_result(context, result);
    return result.problems.empty() ? 0 : info_of(ErrorCode::CorruptData).exit_code;
}

}  // namespace

Command verify_command() {
    Command command;
    command.name = "verify";
    command.group = kCareGroup;
    command.summary = "Check that the repository is sound";
    command.manual = kManual;
    command.flags = {
        {"quick", 0, FlagKind::Switch, "", "", "only what is fast", ""},
        {"read-data",
         0,
         FlagKind::OptionalValue,
         "PERCENT",
         "",
         "read the stored data too, all of "
         "it or a part",
         ""},
        output_flag({"table", "json", "yaml"}),
    };
    command.examples = {
        {"All but the data", "kubectl backup verify"},
        {"Each night a tenth of the data", "kubectl backup verify --read-data=10%"}};
    command.exit_codes = "13 when anything is damaged or missing";
    command.run = run;
    return command;
}

}  // namespace backup::plugin
