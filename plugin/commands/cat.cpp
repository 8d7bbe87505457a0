// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "plugin/commands/files.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/context.hpp"
#include "plugin/find_point.hpp"
#include "plugin/open_repository.hpp"

#include <ostream>

namespace backup::plugin {

namespace {

constexpr std::string_view kManual =
    R"(Prints the content of files, exactly as they are stored. For PATH see "kubectl backup ls".)";

void print_file(const PlaceInPoint& place, std::ostream& out, const std::stop_token& stop) {
    const auto& path = place.argument.path;
    switch (place.node->type()) {
        case model::FileType::Regular:
            break;
        case model::FileType::Directory:
            throw Error(ErrorCode::InvalidArgument,
                        concat("\"", printable(path), "\" is a directory"))
                .hint("'kubectl backup ls' lists it, 'kubectl backup cp -r' copies it");
        case model::FileType::Symlink:
            throw Error(ErrorCode::InvalidArgument,
                        concat("\"",
                               printable(path),
                               "\" is a link to \"",
                               printable(place.node->info().attributes.link_target),
                               "\""));
        default:
            throw Error(ErrorCode::InvalidArgument,
                        concat("\"", printable(path), "\" is no regular file"));
    }
    print_content(*place.node, out, stop);
}

int run(Context& context) {
    const auto stop = context.app().stop_token();
    for (const auto& path : context.arguments().positionals()) {
        print_file(
            find_place(context.repository(), path, context.app().clock), context.app().out, stop);
    }
    return 0;
}

}  // namespace

Command cat_command() {
    Command command;
    command.name = "cat";
    command.group = kLookGroup;
    command.summary = "Print files of a point";
    command.manual = kManual;
    command.arguments = {{"POINT:PATH", true, true, Completes::PointPath}};
    command.examples = {
        {"A file of a volume", "kubectl backup cat latest:shop/data-0/etc/app.conf"},
        {"A manifest, put back as it was",
         "kubectl backup cat latest:namespaces/shop/manifests/deployments.apps/web.yaml | "
         "kubectl apply -f -"}};
    command.run = run;
    return command;
}

}  // namespace backup::plugin
