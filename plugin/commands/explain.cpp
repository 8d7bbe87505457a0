// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/capture/explanation.hpp"
#include "core/capture/live_explanation.hpp"
#include "plugin/cli/global_flags.hpp"
#include "plugin/commands/scope_flags.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/context.hpp"
#include "plugin/find_point.hpp"
#include "plugin/open_repository.hpp"

#include <ostream>

namespace backup::plugin {

namespace {

using capture::Explanation;
using capture::Verdict;

constexpr std::string_view kManual =
    R"(Says which rule put an object into a point or kept it out, and, when other objects needed it,
which ones up to the one that was chosen itself. For a claim it says what became of its volume too.

OBJECT is KIND/NAME or KIND/NAMESPACE/NAME; a kind is its plural, singular or short name, with or
without its group. Without a namespace it is looked for in all namespaces of the point.

With --live there is no POINT: the object of the cluster is judged as "kubectl backup create" with
the same flags would judge it now. Nothing is made. Where it depends on other objects, all that
create would list is listed.)";

Tone tone_of(const Explanation& explanation) {
    return explanation.is_stored() ? Tone::Good : Tone::Warning;
}

std::string_view verdict_text(const Explanation& explanation, bool is_live) {
    switch (explanation.verdict) {
        case Verdict::In:
            return is_live ? "would be stored" : "stored";
        case Verdict::Related:
            return is_live ? "would be stored because it is needed" : "stored because it is needed";
        case Verdict::Out:
            break;
    }
    return is_live ? "would not be stored" : "not stored";
}

void print_volume(std::ostream& out, const model::VolumeRecord& volume) {
    std::vector<std::string> parts;
    if (volume.outcome != model::Outcome::Protected || volume.method.empty()) {
        parts.push_back(to_lower(model::to_text(volume.outcome)));
    }
    if (volume.reason != model::SkipReason::None) {
        parts.emplace_back(model::to_text(volume.reason));
    }
    for (const auto& part : {volume.method, volume.rule, volume.message}) {
        if (!part.empty()) {
            parts.push_back(part);
        }
    }
    out << "  volume:     " << printable(join(parts, ": ")) << '\n';
}

void print(const Output& output, const Explanation& explanation, bool is_live) {
    auto& out = output.out;
    out << printable(model::format_object_key(explanation.object)) << ": "
        << toned(verdict_text(explanation, is_live), tone_of(explanation), output.colour) << '\n';
    out << "  rule:       " << printable(explanation.rule) << ": "
        << printable(capture::describe_rule(explanation.rule)) << '\n';
    if (!explanation.message.empty()) {
        out << "  because of: " << printable(explanation.message) << '\n';
    }
    for (const auto& edge : explanation.edges) {
        out << "  needed by:  " << printable(capture::format_edge_origin(edge)) << " ("
            << printable(edge.why) << ")\n";
    }
    if (!explanation.generated.empty()) {
        out << "  restoring:  left out unless it is asked for: " << explanation.generated << '\n';
    }
    if (explanation.volume) {
        print_volume(out, *explanation.volume);
    }
}

std::vector<Explanation> explain_of_point(Context& context) {
    const auto& arguments = context.arguments();
    if (arguments.positionals().size() != 2) {
        throw Error(ErrorCode::Usage, "explain takes a POINT and an OBJECT")
            .hint("without a point: kubectl backup explain --live OBJECT");
    }
    auto words = capture::parse_object_words(arguments.argument(1));
    const auto namespaces = arguments.list("namespace");
    if (words.ns.empty() && namespaces.size() == 1) {
        words.ns = namespaces.front();
    }
    auto& opened = context.repository();
    const auto record = find_point(opened, arguments.argument(0), context.app().clock);
    return capture::explain_in_point(opened.chunks, record, words);
}

Explanation explain_of_cluster(Context& context) {
    const auto& arguments = context.arguments();
    if (arguments.positionals().size() != 1) {
        throw Error(ErrorCode::Usage, "explain --live takes one OBJECT and no POINT")
            .hint("KIND/NAME or KIND/NAMESPACE/NAME, for example deploy/web");
    }
    const auto words = capture::parse_object_words(arguments.argument(0));
    const auto scope = read_scope(context, read_policy(context));
    const auto stop = context.app().stop_token();
    const auto progress = context.make_progress();
    return capture::explain_live(
        {context.cluster(), scope, context.cluster().config().default_namespace, *progress},
        words,
        stop);
}

int run(Context& context) {
    const bool is_live = context.arguments().is_on("live");
    const auto explanations =
        is_live ? std::vector<Explanation>{explain_of_cluster(context)} : explain_of_point(context);
    const auto output = context.output();
    if (!is_for_programs(output.format)) {
        for (const auto& explanation : explanations) {
            print(output, explanation, is_live);
        }
        return 0;
    }
    Json items = Json::array();
    for (const auto& explanation : explanations) {
        items.push_back(capture::to_json(explanation));
    }
    print_record(output, "ExplanationList", Json::object({{"items", std::move(items)}}));
    return 0;
}

}  // namespace

Command explain_command() {
    Command command;
    command.name = "explain";
    command.group = kLookGroup;
    command.summary = "Say why an object is in a point, or why not";
    command.manual = kManual;
    command.arguments = {{"POINT", true, false, Completes::Point}, {"OBJECT", false}};
    command.flags = {{"live",
                      0,
                      FlagKind::Switch,
                      "",
                      "",
                      "what create would do with the object of the cluster; there is no POINT then",
                      ""}};
    for (auto& flag : scope_flags()) {
        command.flags.push_back(std::move(flag));
    }
    command.flags.push_back(output_flag({"table", "json", "yaml"}));
    command.examples = {
        {"Why a secret is in the newest point", "kubectl backup explain latest secret/shop/door"},
        {"Whether and how the volume of a claim would be read",
         "kubectl backup explain --live pvc/data -n shop"},
        {"What --annotated makes of a deployment",
         "kubectl backup explain --live deploy/shop/web -A --annotated"}};
    command.run = run;
    return command;
}

}  // namespace backup::plugin
