// SPDX-License-Identifier: Apache-2.0
#include "core/base/text.hpp"
#include "core/base/units.hpp"
#include "core/repository/point_store.hpp"
#include "plugin/cli/global_flags.hpp"
#include "plugin/cli/program_name.hpp"
#include "plugin/commands/ledger_page.hpp"
#include "plugin/commands/points.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/context.hpp"
#include "plugin/find_point.hpp"
#include "plugin/open_repository.hpp"
#include "plugin/point_checks.hpp"

#include <vector>

namespace backup::plugin {

namespace {

constexpr std::string_view kManual =
    R"(Shows what a point holds and its ledger. First what is missing or in doubt, the worst on top,
and the rules for a Role where a right was missing; then the volumes, the hooks and the objects, and
what was left out and why. "Verified" says when "verify" or "repo repair" last looked whether all of
it can be given back, and what they found. -o wide lists every kind of every namespace, every path
that was lost and what hooks printed; -o json is the whole record.

A POINT is its name, the first letters of its id, "latest", "latest~2" (the second before it),
"latest:NAMESPACE" (the newest that holds it), "@2026-11-20T10:00Z" or "@2h" (the newest that is not
younger than that).)";

std::string time_and_age(TimePoint time, TimePoint now) {
    return concat(format_rfc3339(time), " (", format_age(now - time), " ago)");
}

/// How long, and how fast the data of the volumes came, all movers together.
std::string took(const model::RecoveryPoint& point, const model::Ledger& ledger) {
    std::uint64_t read = 0;
    std::uint64_t sent = 0;
    for (const auto& volume : ledger.volumes) {
        read += volume.bytes_read;
        sent += volume.bytes_sent;
    }
    const auto age = format_age(point.finished - point.created);
    return read == 0 ? age
                     : concat(age, "; ", format_size(read), " read, ", format_size(sent), " sent");
}

Cell verified(const maintenance::Check* check, TimePoint now, const std::string& program) {
    if (check == nullptr) {
        return {"no verify of it is remembered"};
    }
    const auto when = time_and_age(check->when, now);
    if (check->is_sound) {
        return {concat(when, ": sound"), Tone::Good};
    }
    return {concat(when, ": damaged; ", for_program(kNamesWhatIsLost, program)), Tone::Bad};
}

void print_head(Page& page,
                const model::RecoveryPoint& point,
                const model::Ledger& ledger,
                const Cell& check,
                TimePoint now) {
    const auto& numbers = point.statistics;
    page.field("Name", point.name);
    page.field("ID", point.id);
    page.field("Status", model::to_text(point.status), tone_of(point.status));
    page.field("Verdict", verdict_of(ledger));
    page.field("Verified", check.text, check.tone);
    page.field("Created", time_and_age(point.created, now));
    page.field("Took", took(point, ledger));
    page.field("Description", point.description);
    std::vector<std::string> tags;
    for (const auto& [key, value] : point.tags) {
        tags.push_back(concat(key, "=", value));
    }
    page.field("Tags", join(tags, ", "));
    page.field("Cluster",
               point.cluster.version.empty()
                   ? point.cluster.server
                   : concat(point.cluster.server, " (", point.cluster.version, ")"));
    page.field("Host", point.host);
    page.field("Program", point.program);
    page.field("Namespaces", join(point.namespaces, ", "));
    page.field("Objects", concat(numbers.objects));
    page.field("Volumes", concat(numbers.volumes));
    page.field("Files", concat(numbers.files, " in ", numbers.directories, " directories"));
    page.field("Size",
               concat(format_size(numbers.bytes),
                      ", ",
                      format_size(numbers.new_bytes),
                      " of it new, ",
                      format_size(numbers.stored_bytes),
                      " stored"));
    page.field("Previous", point.previous);
}

int run(Context& context) {
    auto& repository = context.repository();
    const auto record =
        find_point(repository, context.arguments().argument(0), context.app().clock);
    const auto ledger = repository::read_ledger(repository.chunks, record);
    const auto checks = load_point_checks(context, repository.repository);
    const auto* const check = find_check(checks, record.point.id);
    const auto output = context.output();
    if (is_for_programs(output.format)) {
        auto json = point_record(record.point, check);
        json["ledger"] = model::to_json(ledger);
        print_record(output, "RecoveryPoint", json);
        return 0;
    }
    Page page(output);
    const auto now = context.app().clock.now();
    print_head(page, record.point, ledger, verified(check, now, context.program()), now);
    print_ledger(page, ledger);
    return 0;
}

}  // namespace

Command describe_command() {
    Command command;
    command.name = "describe";
    command.aliases = {"show"};
    command.group = kLookGroup;
    command.summary = "Show what a point holds, what it lacks, and why";
    command.manual = kManual;
    command.arguments = {{"POINT", true, false, Completes::Point}};
    command.flags = {output_flag({"table", "wide", "json", "yaml"})};
    command.examples = {
        {"The newest point", "kubectl backup describe latest"},
        {"The newest one that holds the namespace shop", "kubectl backup describe latest:shop"},
        {"Volumes that are not protected, for a script",
         "kubectl backup describe latest -o json | jq "
         "'.ledger.volumes[] | select(.outcome != \"Protected\")'"}};
    command.run = run;
    return command;
}

}  // namespace backup::plugin
