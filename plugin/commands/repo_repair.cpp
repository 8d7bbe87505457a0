// SPDX-License-Identifier: Apache-2.0
#include "core/base/text.hpp"
#include "core/maintenance/repair.hpp"
#include "plugin/cli/global_flags.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/context.hpp"
#include "plugin/open_repository.hpp"

#include <algorithm>
#include <ostream>

namespace backup::plugin {

namespace {

constexpr std::string_view kManual =
    R"(Mends what "verify" found, as far as anybody can without the source. An index that is damaged or
lost is made again from the packs. A damaged pack is healed by its parity; without parity all of its
content that can still be read is copied into a new pack. In the place of a damaged record of what a
prune has condemned it puts another. Nothing is destroyed: damaged blobs move to quarantine/ in the
repository. It can be interrupted at any time and run again, also while backups run.

What is lost for good is told exactly, file by file of each point. The next backup stores it again
where the source still has the same content, and the older points are whole again then.

Packs that the last "verify --read-data" found damaged are read, and the tables of all; with
--read-data every byte of all packs is.)";

constexpr std::size_t kMostShown = 50;

Json to_json(const maintenance::RepairResult& result, bool is_dry_run) {
    Json::Array actions;
    for (const auto& action : result.actions) {
        actions.push_back(Json::object({{"subject", action.subject}, {"action", action.what}}));
    }
    Json::Array lost;
    for (const auto& problem : result.lost) {
        lost.push_back(Json::object({{"subject", problem.subject}, {"message", problem.message}}));
    }
    Json::Array points;
    for (const auto& id : result.damaged_points) {
        points.push_back(id);
    }
    return Json::object(
        {{"dryRun", is_dry_run},
         {"actions", std::move(actions)},
         {"points", result.points},
         {"damagedPoints", std::move(points)},
         {"lost", std::move(lost)},
         {"lostUnknown", result.why_unknown.empty() ? Json() : Json(result.why_unknown)},
         {"packs", result.packs},
         {"packsHealed", result.packs_healed},
         {"packsQuarantined", result.packs_quarantined},
         {"packsIndexed", result.packs_indexed},
         {"segmentsQuarantined", result.segments_quarantined},
         {"segmentsWritten", result.segments_written},
         {"chunksSaved", result.chunks_saved},
         {"chunksLost", result.chunks_lost}});
}

void print_tables(Context& context, const maintenance::RepairResult& result) {
    const auto output = context.output();
    Table actions({"BLOB", context.is_dry_run() ? "WOULD BE" : "DONE"});
    for (const auto& action : result.actions) {
        actions.add({{action.subject}, {action.what}});
    }
    Table lost({"LOST", "WHY"});
    for (std::size_t i = 0; i < std::min(kMostShown, result.lost.size()); ++i) {
        lost.add({{result.lost[i].subject}, {result.lost[i].message, Tone::Bad}});
    }
    for (const auto* const table : {&actions, &lost}) {
        if (!table->is_empty()) {
            output.out << table->format({output.headers, output.colour, 0});
        }
    }
    if (result.lost.size() > kMostShown) {
        context.say(concat("and ", result.lost.size() - kMostShown, " more: see -o json"));
    }
    if (!result.why_unknown.empty()) {
        context.say(result.why_unknown);
    } else if (result.lost.empty()) {
        context.say(concat(result.packs,
                           " packs, ",
                           result.points,
                           " points: ",
                           result.actions.empty() ? "nothing to repair" : "nothing is lost"));
    } else {
        context.say(concat(result.damaged_points.size(),
                           " points lost something: back up the same data again to heal them"));
    }
}

int run(Context& context) {
    const auto opened = open_place(context.settings(), context.app().environment);
    maintenance::RepairOptions options;
    options.dry_run = context.is_dry_run();
    options.read_data = context.arguments().is_on("read-data");
    options.quarantine_points = context.arguments().is_on("quarantine-points");
    maintenance::RepairResult result;
    {
        const auto progress = context.make_progress();
        result = maintenance::repair_repository(
            opened->repository,
            options,
            {context.app().clock, context.app().random, *progress, context.app().stop_token()});
    }
    const auto output = context.output();
    if (is_for_programs(output.format)) {
        print_record(output, "Repair", to_json(result, options.dry_run));
    } else {
        print_tables(context, result);
    }
    return result.lost.empty() ? 0 : info_of(ErrorCode::CorruptData).exit_code;
}

}  // namespace

Command repo_repair_command() {
    Command command;
    command.name = "repo repair";
    command.group = kCareGroup;
    command.summary = "Mend a damaged repository";
    command.manual = kManual;
    command.flags = {
        {"read-data", 0, FlagKind::Switch, "", "", "read every pack in full", ""},
        {"quarantine-points",
         0,
         FlagKind::Switch,
         "",
         "",
         "move points that cannot be read to quarantine",
         ""},
        dry_run_flag(),
        output_flag({"table", "json", "yaml"}),
    };
    command.examples = {
        {"See first what would be done", "kubectl backup repo repair --dry-run"},
        {"Mend, after reading everything", "kubectl backup repo repair --read-data"}};
    command.exit_codes = "13 when a point lost something for good";
    command.run = run;
    return command;
}

}  // namespace backup::plugin
