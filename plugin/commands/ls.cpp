// SPDX-License-Identifier: Apache-2.0
#include "core/base/text.hpp"
#include "core/base/units.hpp"
#include "core/view/walk.hpp"
#include "plugin/cli/global_flags.hpp"
#include "plugin/commands/files.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/context.hpp"
#include "plugin/find_point.hpp"
#include "plugin/open_repository.hpp"

#include <ostream>

namespace backup::plugin {

namespace {

constexpr std::string_view kManual =
    R"(The tree of a point, without mounting it:

  point.yaml                                    what describe shows
  cluster/manifests/KIND.GROUP/NAME.yaml        cluster-wide objects
  namespaces/NS/manifests/KIND.GROUP/NAME.yaml  ready for kubectl apply
  namespaces/NS/manifests.yaml                  all of them, in restore order
  namespaces/NS/raw/KIND.GROUP/NAME.json        as the server gave them
  namespaces/NS/volumes/CLAIM/...               the files of a volume

PATH is a path of it; for the files of a volume the short form NAMESPACE/CLAIM/path does as well.
"latest:NAMESPACE" is that namespace in the newest point that holds it.)";

std::string name_with_mark(std::string_view name, view::Node& node) {
    return concat(printable(name), node.is_directory() ? "/" : "");
}

std::string row_name(std::string_view name, const Json& record) {
    const auto target = record.text_at({"target"});
    if (record.text_at({"type"}) == "Directory") {
        return concat(name, "/");
    }
    return target.empty() ? std::string(name) : concat(name, " -> ", target);
}

/// Prints in pieces, so that a directory of a million files neither waits nor fills the memory.
class Printer {
  public:
    Printer(const Output& output, bool is_long) : output_(output), is_long_(is_long) {}

    void add(const std::string& name, view::Node& node) {
        if (output_.format == OutputFormat::Json || output_.format == OutputFormat::Yaml) {
            records_.push_back(file_record(name, node));
        } else if (!is_long_) {
            output_.out << name_with_mark(name, node) << '\n';
        } else {
            add_row(name, node);
        }
    }

    void finish() {
        if (output_.format == OutputFormat::Json || output_.format == OutputFormat::Yaml) {
            print_list(output_, {"File", {}, {}}, records_);
        }
        print_rows();
    }

  private:
    void add_row(const std::string& name, view::Node& node) {
        const auto file = node.info().attributes;
        const auto record = file_record(name, node);
        table_.add({{mode_text(file.type, file.mode)},
                    {concat(file.uid, ":", file.gid)},
                    {format_size(file.size)},
                    {record.text_at({"modified"})},
                    {row_name(name, record)}});
        constexpr std::size_t kPiece = 1000;
        if (++rows_ >= kPiece) {
            print_rows();
        }
    }

    void print_rows() {
        if (rows_ > 0) {
            output_.out << table_.format({output_.headers && is_first_, output_.colour, 0});
        }
        is_first_ = false;
        rows_ = 0;
        table_ = empty_table();
    }

    static Table empty_table() { return Table({"MODE", "OWNER", "SIZE", "MODIFIED", "NAME"}); }

    const Output& output_;
    bool is_long_;
    bool is_first_ = true;
    std::size_t rows_ = 0;
    Table table_ = empty_table();
    Json::Array records_;
};

void print_directory(Printer& printer, const view::NodePointer& directory, bool is_recursive) {
    if (is_recursive) {
        view::walk(directory, [&printer](const std::string& path, const view::NodePointer& node) {
            printer.add(path, *node);
            return view::Walk::Into;
        });
        return;
    }
    directory->list(0, [&printer](std::string_view name, const view::NodePointer& node) {
        printer.add(std::string(name), *node);
        return true;
    });
}

int run(Context& context) {
    const auto& arguments = context.arguments();
    const auto place = find_place(context.repository(), arguments.argument(0), context.app().clock);
    const auto output = context.output();
    Printer printer(output, arguments.is_on("long") || output.format == OutputFormat::Wide);
    if (place.node->is_directory()) {
        print_directory(printer, place.node, arguments.is_on("recursive"));
    } else {
        printer.add(place.argument.path, *place.node);
    }
    printer.finish();
    return 0;
}

}  // namespace

Command ls_command() {
    Command command;
    command.name = "ls";
    command.group = kLookGroup;
    command.summary = "List a directory of a point";
    command.manual = kManual;
    command.arguments = {{"POINT[:PATH]", true, false, Completes::PointPath}};
    command.flags = {
        {"long", 'l', FlagKind::Switch, "", "", "with mode, owner, size and time", ""},
        {"recursive", 'R', FlagKind::Switch, "", "", "with all that is below", ""},
        output_flag({"table", "wide", "json", "yaml"}),
    };
    command.examples = {{"What the newest point holds", "kubectl backup ls latest"},
                        {"The files of a volume", "kubectl backup ls -l latest:shop/data-0/var"},
                        {"The manifests of the namespace shop two points ago",
                         "kubectl backup ls -R latest~2:namespaces/shop/manifests"}};
    command.run = run;
    return command;
}

}  // namespace backup::plugin
