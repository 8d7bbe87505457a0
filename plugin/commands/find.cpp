// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/stop_on_signal.hpp"
#include "core/base/text.hpp"
#include "core/base/units.hpp"
#include "core/restore/copy_content.hpp"
#include "core/view/point_files.hpp"
#include "core/view/walk.hpp"
#include "core/view/walk_versions.hpp"
#include "plugin/cli/global_flags.hpp"
#include "plugin/commands/files.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/context.hpp"
#include "plugin/find_point.hpp"
#include "plugin/open_repository.hpp"

#include <limits>
#include <optional>
#include <ostream>

namespace backup::plugin {

namespace {

constexpr std::string_view kManual =
    R"(Looks for files in one point, or without POINT in all of them: then each line is one version of a
file, with the time it was changed, how many points hold it and the newest of these. What several
points share is read once, and no content is read.

All conditions must hold. Patterns know *, ? and [...]; --path is matched against the whole path,
where * matches "/" too. ":PATH" looks below that path in all points. For PATH see
"kubectl backup ls".)";

struct Conditions {
    std::vector<std::string> names;
    std::vector<std::string> folded_names;
    std::vector<std::string> paths;
    std::string types;  // letters; empty: any
    std::optional<std::pair<char, std::uint64_t>> size;
    std::optional<TimePoint> newer;

    bool match_name(std::string_view name, model::FileType type) const {
        const auto matches = [](const std::string& pattern, std::string_view text) {
            return matches_glob(pattern, text);
        };
        for (const auto& pattern : names) {
            if (!matches(pattern, name)) {
                return false;
            }
        }
        for (const auto& pattern : folded_names) {
            if (!matches(pattern, to_lower(name))) {
                return false;
            }
        }
        const auto letter = type == model::FileType::Regular ? 'f' : mode_text(type, 0).front();
        return types.empty() || types.find(letter) != std::string::npos;
    }

    bool match_path(std::string_view path) const {
        for (const auto& pattern : paths) {
            if (!matches_glob(pattern, path)) {
                return false;
            }
        }
        return true;
    }

    bool match_node(view::Node& node) const {
        if (!size && !newer) {
            return true;
        }
        const auto file = restore::attributes_of(node);
        const auto is_larger = size && file.size > size->second;
        const auto is_smaller = size && file.size < size->second;
        const bool has_size = !size || (size->first == '+'   ? is_larger
                                        : size->first == '-' ? is_smaller
                                                             : !is_larger && !is_smaller);
        return has_size && (!newer || TimePoint(std::chrono::nanoseconds(file.mtime_ns)) > *newer);
    }
};

Error impossible(std::string_view flag, const std::string& value, std::string_view form) {
    return Error(ErrorCode::Usage,
                 concat("--", flag, " cannot be \"", printable(value), "\": it is ", form));
}

std::string checked_types(const ParsedCommand& arguments) {
    std::string letters;
    for (const auto& value : arguments.list("type")) {
        if (value.size() != 1 || std::string_view("fdlpscb").find(value) == std::string::npos) {
            throw impossible("type", value, "one of f, d, l, p, s, c, b");
        }
        letters += value;
    }
    return letters;
}

Conditions make_conditions(const ParsedCommand& arguments, Clock& clock) {
    Conditions wanted;
    wanted.names = arguments.list("name");
    for (const auto& pattern : arguments.list("iname")) {
        wanted.folded_names.push_back(to_lower(pattern));
    }
    wanted.paths = arguments.list("path");
    wanted.types = checked_types(arguments);
    if (const auto size = arguments.find_text("size"); size && !size->empty()) {
        const bool has_sign = size->front() == '+' || size->front() == '-';
        wanted.size = {has_sign ? size->front() : '=',
                       with_context([] { return "--size"; },
                                    [&] { return parse_size(size->substr(has_sign ? 1 : 0)); })};
    }
    if (const auto newer = arguments.find_text("newer")) {
        wanted.newer = with_context([] { return "--newer"; },
                                    [&] {
                                        return newer->find('-') != std::string::npos
                                                   ? parse_rfc3339(*newer)
                                                   : clock.now() - parse_duration(*newer);
                                    });
    }
    return wanted;
}

std::size_t most_depth(const ParsedCommand& arguments) {
    const auto text = arguments.find_text("maxdepth");
    if (!text) {
        return std::numeric_limits<std::size_t>::max();
    }
    if (text->empty() || text->size() > 6 ||
        text->find_first_not_of("0123456789") != std::string::npos) {
        throw impossible("maxdepth", *text, "a number");
    }
    return std::stoul(*text);
}

/// Where to look: one place, or the same place in every point.
struct Places {
    std::vector<repository::PointRecord> records;
    std::vector<view::NodePointer> roots;
    std::string path;
    bool is_one = true;
};

Places find_places(Context& context) {
    const auto& arguments = context.arguments();
    const auto text = arguments.argument(0);
    Places places;
    places.is_one = !text.empty() && text.front() != ':';
    if (places.is_one && arguments.is_on("all-points")) {
        throw Error(ErrorCode::Usage, "--all-points looks into all points: POINT says one")
            .hint("':PATH' looks below that path in all of them");
    }
    auto& opened = context.repository();
    if (places.is_one) {
        auto place = find_place(opened, text, context.app().clock);
        places.path = place.argument.path;
        places.records.push_back(std::move(place.record));
        places.roots.push_back(std::move(place.node));
        return places;
    }
    places.path = text.size() < 2 ? std::string() : parse_path("point" + text).path;
    const auto on_damaged = [&context](const std::string& blob, const Error& error) {
        context.warn(concat("point ", blob, " cannot be read: ", error.what()));
    };
    places.records = repository::list_points(opened.repository, on_damaged);
    for (const auto& root : view::open_points(opened.chunks, places.records)) {
        places.roots.push_back(view::find_path(root, places.path));
    }
    return places;
}

/// Prints in pieces, so that nobody waits for the end of a long search.
class Finder : public view::VersionVisitor {
  public:
    Finder(Context& context, const Places& places, Conditions wanted)
        : context_(context),
          places_(places),
          wanted_(std::move(wanted)),
          output_(context.output()),
          has_nul_(context.arguments().is_on("print0")),
          stop_(context.app().stop_token()) {}

    bool wants(std::string_view name, const view::Node& node, std::size_t) override {
        return wanted_.match_name(name, node.type());
    }

    void visit(const std::string& below, const std::vector<view::NodeVersion>& versions) override {
        throw_if_stopped(stop_);
        const auto path = places_.path.empty() ? below : concat(places_.path, "/", below);
        if (!wanted_.match_path(path)) {
            return;
        }
        for (const auto& version : versions) {
            if (wanted_.match_node(*version.node)) {
                print(path, version);
                ++found_;
            }
        }
    }

    void on_problem(const std::string& path, const Error& error) override {
        context_.warn(concat(path.empty() ? "." : printable(path), ": ", error.what()));
        exit_code_ = 3;
    }

    int finish() {
        if (is_for_programs(output_.format)) {
            print_list(output_, {"File", {}, {}}, records_);
        }
        print_rows();
        output_.out.flush();
        if (found_ == 0 && !is_for_programs(output_.format)) {
            context_.say("Nothing found.");
        }
        return exit_code_;
    }

  private:
    const repository::PointRecord& newest(const view::NodeVersion& version) const {
        return places_.records.at(version.points.back());
    }

    void print(const std::string& path, const view::NodeVersion& version) {
        const bool wants_name = output_.format == OutputFormat::Name || !places_.is_one;
        if (is_for_programs(output_.format)) {
            records_.push_back(make_record(path, version));
        } else if (has_nul_) {
            output_.out << (wants_name ? concat(newest(version).point.name, ":") : "") << path
                        << '\0';
        } else if (output_.format == OutputFormat::Name) {
            output_.out << printable(newest(version).point.name) << ':' << printable(path) << '\n';
        } else if (places_.is_one && output_.format == OutputFormat::Table) {
            output_.out << printable(path) << '\n';
        } else {
            add_row(path, version);
        }
    }

    Json make_record(const std::string& path, const view::NodeVersion& version) const {
        Json record = file_record(path, *version.node);
        Json::Array points;
        for (const auto number : version.points) {
            points.push_back(places_.records.at(number).point.name);
        }
        record["points"] = std::move(points);
        return record;
    }

    void add_row(const std::string& path, const view::NodeVersion& version) {
        const auto file = version.node->info().attributes;
        std::vector<Cell> row;
        if (output_.format == OutputFormat::Wide) {
            row.push_back({mode_text(file.type, file.mode)});
            row.push_back({concat(file.uid, ":", file.gid)});
        }
        row.push_back({format_rfc3339(TimePoint(std::chrono::nanoseconds(file.mtime_ns)))});
        row.push_back({format_size(file.size)});
        if (!places_.is_one) {
            row.push_back({std::to_string(version.points.size())});
            row.push_back({newest(version).point.name});
        }
        row.push_back({path});
        table_.add(std::move(row));
        constexpr std::size_t kPiece = 100;
        if (++rows_ >= kPiece) {
            print_rows();
        }
    }

    void print_rows() {
        if (rows_ > 0) {
            output_.out << table_.format({output_.headers && is_first_, output_.colour, 0});
            output_.out.flush();
            is_first_ = false;
        }
        rows_ = 0;
        table_ = empty_table();
    }

    Table empty_table() const {
        std::vector<std::string> headers;
        if (output_.format == OutputFormat::Wide) {
            headers = {"MODE", "OWNER"};
        }
        headers.insert(headers.end(), {"MODIFIED", "SIZE"});
        if (!places_.is_one) {
            headers.insert(headers.end(), {"POINTS", "NEWEST"});
        }
        headers.emplace_back("PATH");
        return Table(std::move(headers));
    }

    Context& context_;
    const Places& places_;
    Conditions wanted_;
    Output output_;
    bool has_nul_;
    std::stop_token stop_;
    Table table_ = empty_table();
    std::size_t rows_ = 0;
    std::uint64_t found_ = 0;
    bool is_first_ = true;
    int exit_code_ = 0;
    Json::Array records_;
};

int run(Context& context) {
    const auto wanted = make_conditions(context.arguments(), context.app().clock);
    const auto depth = most_depth(context.arguments());
    const auto places = find_places(context);
    Finder finder(context, places, wanted);
    if (depth > 0) {
        view::walk_versions(places.roots, depth, finder);
    }
    return finder.finish();
}

std::vector<Flag> find_flags() {
    return {
        {"name", 0, FlagKind::Repeated, "GLOB", "", "whose name matches", ""},
        {"iname", 0, FlagKind::Repeated, "GLOB", "", "the same, capital letters or not", ""},
        {"path", 0, FlagKind::Repeated, "GLOB", "", "whose whole path matches", ""},
        {"type",
         0,
         FlagKind::List,
         "LETTER",
         "",
         "f file, d directory, l link, p pipe, s socket, c or b device; f,l is either",
         ""},
        {"size", 0, FlagKind::Text, "[+-]SIZE", "", "larger (+), smaller (-) or exactly", ""},
        {"newer",
         0,
         FlagKind::Text,
         "TIME",
         "",
         "changed since: an age (12h, 7d) or a time (2026-11-20)",
         ""},
        {"maxdepth", 0, FlagKind::Text, "N", "", "at most this many levels down", ""},
        {"all-points", 0, FlagKind::Switch, "", "", "in every point (as without POINT)", ""},
        {"print0", 0, FlagKind::Switch, "", "", "paths as they are, each ended by a NUL", ""},
        output_flag({"table", "wide", "json", "yaml", "name"}),
    };
}

}  // namespace

Command find_files_command() {
    Command command;
    command.name = "find";
    command.group = kLookGroup;
    command.summary = "Find files in a point, or which points hold them";
    command.manual = kManual;
    command.arguments = {{"POINT[:PATH]", false, false, Completes::PointPath}};
    command.flags = find_flags();
    command.examples = {{"Which points hold a file of that name, and when it changed",
                         "kubectl backup find --name orders.db"},
                        {"The same below one directory of a volume",
                         "kubectl backup find :shop/data-0/etc --name '*.conf'"},
                        {"Large files of the newest point",
                         "kubectl backup find latest:shop/data-0 --type f --size +100MiB -o wide"},
                        {"What changed in the two hours before the newest point",
                         "kubectl backup find latest --newer 2h --type f"}};
    command.exit_codes = "3 when something could not be read";
    command.run = run;
    return command;
}

}  // namespace backup::plugin
