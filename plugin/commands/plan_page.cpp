// SPDX-License-Identifier: Apache-2.0
#include "plugin/commands/plan_page.hpp"

#include "core/base/text.hpp"
#include "core/base/units.hpp"

#include <algorithm>
#include <map>
#include <ostream>
#include <set>
#include <tuple>

namespace backup::plugin {

namespace {

class PlanPage {
  public:
    PlanPage(const Output& output, const capture::Plan& plan) : output_(output), plan_(plan) {}

    void print() {
        print_kinds();
        print_volumes();
        print_hooks();
        if (output_.format == OutputFormat::Wide) {
            print_all_skips();
        } else {
            print_skips();
        }
        print_troubles();
    }

  private:
    void section(const Table& table) {
        if (table.is_empty()) {
            return;
        }
        output_.out << (is_first_ ? "" : "\n")
                    << table.format({output_.headers, output_.colour, 0});
        is_first_ = false;
    }

    void print_kinds() {
        Table table({"NAMESPACE", "RESOURCE", "OBJECTS", "SIZE"});
        for (const auto& kind : plan_.kinds) {
            table.add(
                {{kind.ns}, {kind.resource}, {concat(kind.objects)}, {format_size(kind.bytes)}});
        }
        section(table);
    }

    static std::string note_of(const model::VolumeRecord& volume) {
        std::vector<std::string> parts;
        if (volume.reason != model::SkipReason::None) {
            parts.emplace_back(model::to_text(volume.reason));
        }
        for (const auto& part : {volume.message, volume.rule}) {
            if (!part.empty()) {
                parts.push_back(part);
            }
        }
        return join(parts, ": ");
    }

    void print_volumes() {
        Table table({"VOLUME", "METHOD", "SIZE", "NOTE"});
        for (const auto& volume : plan_.ledger.volumes) {
            const bool is_read = !volume.method.empty();
            const auto outcome = model::to_text(volume.outcome);
            table.add({{concat(volume.name_space, "/", volume.claim)},
                       {is_read ? volume.method : to_lower(outcome),
                        volume.outcome == model::Outcome::Failed ? Tone::Bad
                        : is_read                                ? Tone::Good
                                                                 : Tone::Faint},
                       {volume.capacity_bytes == 0 ? "" : format_size(volume.capacity_bytes)},
                       {note_of(volume)}});
        }
        section(table);
    }

    /// In the order in which they would be run.
    void print_hooks() {
        Table table({"HOOK", "POD", "CONTAINER", "COMMAND", "FROM", "NOTE"});
        for (const auto& hook : plan_.ledger.hooks) {
            table.add({{to_lower(model::to_text(hook.phase))},
                       {concat(hook.name_space, "/", hook.pod)},
                       {hook.container},
                       {printable(join(hook.command, " "))},
                       {hook.origin, Tone::Faint},
                       {hook.message, hook.may_fail ? Tone::Faint : Tone::Bad}});
        }
        section(table);
    }

    /// One line for each kind and reason.
    void print_skips() {
        std::map<std::tuple<std::string, std::string_view>, std::uint64_t> counts;
        std::map<std::tuple<std::string, std::string_view>, std::string> notes;
        for (const auto& list : plan_.ledger.lists) {
            if (list.outcome == model::Outcome::Skipped) {
                // A namespace that is left out has a record of its own, which counts no objects.
                const bool is_namespace = list.resource == "namespaces" && !list.scope.empty();
                const std::tuple key{
                    is_namespace ? concat("namespace ", list.scope) : list.resource,
                    model::to_text(list.reason)};
                counts[key] += list.count;
                notes.try_emplace(key, list.message);
            }
        }
        Table table({"LEFT OUT", "REASON", "OBJECTS", "NOTE"});
        for (const auto& [key, count] : counts) {
            table.add({{std::get<0>(key)},
                       {std::string(std::get<1>(key))},
                       {count == 0 ? "all" : concat(count)},
                       {notes[key], Tone::Faint}});
        }
        section(table);
    }

    void print_all_skips() {
        Table table({"LEFT OUT", "NAMESPACE", "REASON", "OBJECTS", "NOTE"});
        for (const auto& list : plan_.ledger.lists) {
            if (list.outcome == model::Outcome::Skipped) {
                table.add({{list.resource},
                           {list.scope},
                           {std::string(model::to_text(list.reason))},
                           {list.count == 0 ? "all" : concat(list.count)},
                           {list.message, Tone::Faint}});
            }
        }
        section(table);
    }

    /// What would make the point incomplete, and what is worth knowing.
    void print_troubles() {
        Table table({"TROUBLE", "WITH", "MESSAGE"});
        for (const auto& list : plan_.ledger.lists) {
            if (list.outcome == model::Outcome::Failed) {
                table.add({{"failed", Tone::Bad},
                           {concat(list.resource, list.scope.empty() ? "" : " in ", list.scope)},
                           {list.message}});
            }
        }
        for (const auto& problem : plan_.ledger.problems) {
            table.add({{"problem", Tone::Bad}, {problem.subject}, {problem.message}});
        }
        for (const auto& warning : plan_.ledger.warnings) {
            table.add({{"warning", Tone::Warning}, {""}, {warning}});
        }
        section(table);
    }

    const Output& output_;
    const capture::Plan& plan_;
    bool is_first_ = true;
};

}  // namespace

void print_plan(const Output& output, const capture::Plan& plan) {
    PlanPage(output, plan).print();
}

}  // namespace backup::plugin
