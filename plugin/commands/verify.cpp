// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/verify.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/base/units.hpp"
#include "plugin/cli/global_flags.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/context.hpp"
#include "plugin/open_repository.hpp"

#include <algorithm>
#include <charconv>
#include <ostream>

namespace backup::plugin {

namespace {

constexpr std::string_view kManual =
    R"(Looks whether the repository can give back what its points promise. All it writes down is what it
has read, for the next run.

--quick: keys, index and points can be read, and every pack they name is there in its full size.
Without a flag also the tree of every point, and that all of its content is stored. --read-data
reads every byte too and proves it; --read-data=5% reads the twentieth that was not read for the
longest time, so that twenty runs read everything. A pack that was damaged when it was last read is
read by every run but --quick.

What it finds, "kubectl backup repo repair" mends as far as that can be done. What no point loses
anything by is a warning: a damaged record of a run, packs that lack their parity.)";

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
    }
    return options;
}

Json problems_to_json(const std::vector<Problem>& problems) {
    Json::Array items;
    for (const auto& problem : problems) {
        items.push_back(Json::object({{"subject", problem.subject},
                                      {"message", problem.message},
                                      {"code", info_of(problem.code).name}}));
    }
    return items;
}

Json to_json(const maintenance::ReadAge& age) {
    Json::Array within;
    for (const auto& part : age.within) {
        within.push_back(Json::object({{"days", std::uint64_t{part.days}}, {"bytes", part.bytes}}));
    }
    return Json::object({{"bytes", age.all_bytes},
                         {"neverReadBytes", age.never_bytes},
                         {"oldest", age.oldest ? Json(format_rfc3339(*age.oldest)) : Json()},
                         {"within", std::move(within)}});
}

Json to_json(const maintenance::VerifyResult& result) {
    Json::Array damaged;
    for (const auto& id : result.damaged_points) {
        damaged.push_back(id);
    }
    return Json::object({{"points", result.points},
                         {"packs", result.packs},
                         {"packsRead", result.packs_read},
                         {"packsReplaced", result.packs_replaced},
                         {"packsCondemned", result.packs_condemned},
                         {"packsUnindexed", result.packs_unindexed},
                         {"packsWithoutParity", result.packs_bare},
                         {"chunks", result.chunks},
                         {"bytesRead", result.bytes_read},
                         {"dataRead", to_json(result.read_age)},
                         {"damagedPoints", std::move(damaged)},
                         {"remembered", !result.not_remembered},
                         {"problems", problems_to_json(result.problems)},
                         {"warnings", problems_to_json(result.warnings)}});
}

/// "all data was read within 7 days", "40 % of the data was never read".
std::string describe_age(const maintenance::ReadAge& age) {
    if (age.all_bytes == 0) {
        return {};
    }
    if (age.never_bytes > 0) {
        const auto percent = std::max<std::uint64_t>(1, age.never_bytes * 100 / age.all_bytes);
        return concat(percent, " % of the data was never read in full");
    }
    for (const auto& part : age.within) {
        if (part.bytes == age.all_bytes) {
            return part.days == 1 ? std::string("all data was read within a day")
                                  : concat("all data was read within ", part.days, " days");
        }
    }
    return "some of the data was not read for more than a year";
}

void print_result(Context& context, const maintenance::VerifyResult& result) {
    const auto output = context.output();
    if (is_for_programs(output.format)) {
        print_record(output, "Verification", to_json(result));
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
    if (const auto age = describe_age(result.read_age); !age.empty()) {
        context.say(age);
    }
    if (!result.problems.empty()) {
        context.say("\"kubectl backup repo repair --dry-run\" shows what can be mended");
    }
}

int run(Context& context) {
    const auto options = make_options(context);
    const auto opened = open_place(context.settings(), context.app().environment);
    maintenance::VerifyResult result;
    {
        const auto progress = context.make_progress();
        result = maintenance::verify_and_remember(
            opened->repository,
            options,
            {context.app().clock, context.app().random, *progress, context.app().stop_token()});
    }
    print_result(context, result);
    for (const auto& warning : result.warnings) {
        context.warn(concat(warning.subject, ": ", warning.message));
    }
    if (result.not_remembered) {
        context.warn(concat("what was read cannot be remembered: ", result.not_remembered->what()));
    }
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
    command.exit_codes = "13 when anything is damaged or missing; warnings leave it at 0";
    command.run = run;
    return command;
}

}  // namespace backup::plugin
