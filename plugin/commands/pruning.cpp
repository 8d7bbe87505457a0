// SPDX-License-Identifier: Apache-2.0
#include "plugin/commands/pruning.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/base/units.hpp"
#include "plugin/context.hpp"

#include <charconv>

namespace backup::plugin {

namespace {

constexpr std::size_t kShownSession = 8;

unsigned parse_percent(std::string_view flag, std::string text) {
    if (text.ends_with('%')) {
        text.pop_back();
    }
    unsigned percent = 0;
    const auto* const end = text.data() + text.size();
    const auto [stopped, problem] = std::from_chars(text.data(), end, percent);
    if (problem != std::errc() || stopped != end || percent > 100) {
        throw Error(
            ErrorCode::Usage,
            concat(
                "--", flag, " cannot be \"", printable(text), "\": it is a part from 0% to 100%"));
    }
    return percent;
}

std::chrono::nanoseconds duration_at(const ParsedCommand& arguments, std::string_view flag) {
    return with_context([flag] { return concat("--", flag); },
                        [&] { return parse_duration(arguments.text(flag)); });
}

std::string packs_text(std::uint64_t packs, std::uint64_t bytes) {
    return concat(packs, packs == 1 ? " pack (" : " packs (", format_size(bytes), ")");
}

std::string session_text(const repository::SessionRecord& session, TimePoint now) {
    return session.host.empty() ? concat("session ", session.id.substr(0, kShownSession))
                                : concat("a run on ",
                                         printable(session.host),
                                         " (process ",
                                         session.pid,
                                         ", begun ",
                                         format_age(now - session.started),
                                         " ago)");
}

}  // namespace

std::vector<Flag> pruning_flags() {
    using enum FlagKind;
    return {
        {"session-timeout",
         0,
         Text,
         "DURATION",
         "2h",
         "a run that gave no sign for so long is taken for dead; it notices that when it wakes",
         ""},
        {"grace",
         0,
         Text,
         "DURATION",
         "",
         "how long unneeded packs rest before they are removed (default: 1h where the storage is a"
         " network file system, else 0)",
         ""},
        {"repack-below",
         0,
         Text,
         "PERCENT",
         "70%",
         "copy what is needed out of packs of which less than this is; 0 copies nothing",
         ""},
        {"to-nothing",
         0,
         Switch,
         "",
         "",
         "also when the repository has no point at all: everything goes then",
         ""},
    };
}

maintenance::PruneOptions pruning_options(Context& context) {
    const auto& arguments = context.arguments();
    maintenance::PruneOptions options;
    options.dry_run = context.is_dry_run();
    options.session_timeout = duration_at(arguments, "session-timeout");
    if (arguments.is_given("grace")) {
        options.grace = duration_at(arguments, "grace");
    }
    options.repack_below = parse_percent("repack-below", arguments.text("repack-below"));
    options.allow_no_points = arguments.is_on("to-nothing");
    return options;
}

maintenance::PruneResult run_prune(Context& context,
                                   const repository::Repository& repository,
                                   const maintenance::PruneOptions& options) {
    const auto progress = context.make_progress();
    return maintenance::prune_repository(
        repository,
        options,
        {context.app().clock, context.app().random, *progress, context.app().stop_token()});
}

Json to_json(const maintenance::PruneResult& result, bool is_dry_run) {
    const auto number = [](std::uint64_t value) { return Json(value); };
    Json::Array waiting;
    for (const auto& session : result.waiting_for) {
        waiting.push_back(Json::object({{"session", session.id},
                                        {"host", session.host},
                                        {"pid", session.pid},
                                        {"program", session.program},
                                        {"started", format_rfc3339(session.started)}}));
    }
    Json::Array problems;
    for (const auto& problem : result.problems) {
        problems.push_back(Json::object({{"subject", problem.subject},
                                         {"message", problem.message},
                                         {"code", info_of(problem.code).name}}));
    }
    return Json::object({{"dryRun", is_dry_run},
                         {"points", number(result.points)},
                         {"pointsCompleted", number(result.points_completed)},
                         {"sessionsExpired", number(result.sessions_expired)},
                         {"liveChunks", number(result.live_chunks)},
                         {"lostChunks", number(result.lost_chunks)},
                         {"packs", number(result.packs)},
                         {"bytes", number(result.bytes)},
                         {"packsCondemned", number(result.packs_condemned)},
                         {"bytesCondemned", number(result.bytes_condemned)},
                         {"packsRepacked", number(result.packs_repacked)},
                         {"bytesRepacked", number(result.bytes_repacked)},
                         {"packsRemoved", number(result.packs_removed)},
                         {"bytesRemoved", number(result.bytes_removed)},
                         {"packsRescued", number(result.packs_rescued)},
                         {"packsWaiting", number(result.packs_waiting)},
                         {"bytesWaiting", number(result.bytes_waiting)},
                         {"isResting", result.is_resting},
                         {"isSpaceShort", result.is_space_short},
                         {"waitingFor", std::move(waiting)},
                         {"problems", std::move(problems)}});
}

void say_result(Context& context, const maintenance::PruneResult& result, bool is_dry_run) {
    for (const auto& problem : result.problems) {
        context.warn(concat(problem.subject, ": ", problem.message));
    }
    if (result.lost_chunks > 0) {
        context.warn(concat(result.lost_chunks,
                            " chunks that points need are nowhere: see 'kubectl backup verify'"));
    }
    if (result.points_completed > 0) {
        context.say(concat("completed ", result.points_completed, " points of runs that died"));
    }
    if (is_dry_run) {
        context.say(concat("would remove ",
                           packs_text(result.packs_condemned + result.packs_waiting,
                                      result.bytes_condemned + result.bytes_waiting),
                           " of ",
                           packs_text(result.packs, result.bytes),
                           " and copy ",
                           format_size(result.bytes_repacked),
                           " of what is needed in them (dry run)"));
    } else {
        context.say(concat("removed ",
                           packs_text(result.packs_removed, result.bytes_removed),
                           " of ",
                           packs_text(result.packs, result.bytes),
                           result.bytes_repacked > 0
                               ? concat(", copied ", format_size(result.bytes_repacked))
                               : std::string()));
    }
    if (result.is_space_short) {
        context.say("little was copied, because the disk was full: run it again now");
    }
    if (result.packs_waiting > 0 && !is_dry_run) {
        context.say(concat(packs_text(result.packs_waiting, result.bytes_waiting),
                           " wait for a later prune",
                           result.is_resting ? ", when they have rested" : ""));
        for (const auto& session : result.waiting_for) {
            context.say(concat("waiting for ", session_text(session, context.app().clock.now())));
        }
    }
}

void prune_behind(Context& context,
                  const repository::Repository& repository,
                  maintenance::PruneOptions options,
                  const std::vector<std::string>& removed_points,
                  Json& record) {
    const bool is_dry_run = context.is_dry_run();
    if (is_dry_run) {
        options.without_points = {removed_points.begin(), removed_points.end()};
    }
    const auto result = run_prune(context, repository, options);
    record["prune"] = to_json(result, is_dry_run);
    if (!is_for_programs(context.output().format)) {
        say_result(context, result, is_dry_run);
    }
}

}  // namespace backup::plugin
