// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/base/units.hpp"
#include "core/maintenance/parity_switch.hpp"
#include "plugin/cli/global_flags.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/context.hpp"
#include "plugin/open_repository.hpp"

namespace backup::plugin {

namespace {

constexpr std::string_view kManual =
    R"(Parity lets "repo repair" heal a pack of which up to 1 MiB is damaged, missing or cut off anywhere,
or many single disk sectors. It takes about 3 % more room in a repository of full packs. "on" makes it
for all packs that are there, and backups make it for new ones from then on; run again it makes what
is missing. "off" removes it. It protects against a bad disk, not against a lost one.)";

Json to_json(const maintenance::ParityResult& result, bool is_on, bool is_dry_run) {
    Json::Array problems;
    for (const auto& problem : result.problems) {
        problems.push_back(
            Json::object({{"subject", problem.subject}, {"message", problem.message}}));
    }
    return Json::object({{"parity", is_on},
                         {"dryRun", is_dry_run},
                         {"packs", result.packs},
                         {"made", result.made},
                         {"removed", result.removed},
                         {"bytes", result.bytes},
                         {"problems", std::move(problems)}});
}

int run(Context& context) {
    const auto word = context.arguments().argument(0);
    if (word != "on" && word != "off") {
        throw Error(ErrorCode::Usage, concat("\"", printable(word), "\" is neither on nor off"));
    }
    const bool is_on = word == "on";
    const bool is_dry_run = context.is_dry_run();
    const auto opened = open_place(context.settings(), context.app().environment);
    maintenance::ParityResult result;
    {
        const auto progress = context.make_progress();
        const maintenance::Surroundings surroundings{
            context.app().clock, context.app().random, *progress, context.app().stop_token()};
        result = is_on ? maintenance::turn_parity_on(opened->repository, is_dry_run, surroundings)
                       : maintenance::turn_parity_off(opened->repository, is_dry_run, surroundings);
    }
    const auto output = context.output();
    if (is_for_programs(output.format)) {
        print_record(output, "Parity", to_json(result, is_on, is_dry_run));
    } else {
        context.say(concat(is_dry_run ? "would turn parity " : "parity is ",
                           word,
                           ": ",
                           is_on ? result.made : result.removed,
                           is_on ? " packs, " : " blobs removed, ",
                           format_size(result.bytes)));
    }
    for (const auto& problem : result.problems) {
        context.warn(concat("no parity for ", problem.subject, ": ", problem.message));
    }
    return result.problems.empty() ? 0 : info_of(ErrorCode::CorruptData).exit_code;
}

}  // namespace

Command repo_parity_command() {
    Command command;
    command.name = "repo parity";
    command.group = kCareGroup;
    command.summary = "Let damaged packs be healed";
    command.manual = kManual;
    command.arguments = {{"on|off", true, false, Completes::Nothing, {"on", "off"}}};
    command.flags = {dry_run_flag(), output_flag({"table", "json", "yaml"})};
    command.examples = {{"For all packs, now and later", "kubectl backup repo parity on"}};
    command.exit_codes = "13 when a pack is damaged already";
    command.run = run;
    return command;
}

}  // namespace backup::plugin
