// SPDX-License-Identifier: Apache-2.0
#include "plugin/cli/exit_report.hpp"

#include "core/base/text.hpp"
#include "plugin/cli/program_name.hpp"

#include <new>

namespace backup::plugin {

namespace {

/// Foreign text keeps its line breaks here (an API server's message may have several lines), each
/// further line indented so that no line can pass for one of ours.
std::string visible(std::string_view text) {
    std::string out;
    for (const auto& line : split(trim(text), '\n')) {
        out += (out.empty() ? "" : "\n  ") + printable(line);
    }
    return out;
}

std::string coloured(std::string_view word, std::string_view escape, bool colour) {
    return colour ? concat(escape, word, "\x1b[0m") : std::string(word);
}

}  // namespace

Json error_record(const Error& error, std::string_view program) {
    Json record = Json::object({{"apiVersion", "kubectl-backup/v1"}, {"kind", "Error"}});
    record["code"] = info_of(error.code()).name;
    record["message"] = for_program(error.message(), program);
    Json::Array context;
    for (const auto& frame : error.context()) {
        context.emplace_back(frame);
    }
    record["context"] = std::move(context);
    record["hint"] = for_program(error.hint(), program);
    record["exitCode"] = error.exit_code();
    return record;
}

std::string format_error(const Error& error, const ReportStyle& style) {
    if (style.as_json) {
        return format_json(error_record(error, style.program)) + "\n";
    }
    auto text =
        concat(coloured("error:", "\x1b[1;31m", style.colour), " ", visible(error.what()), "\n");
    if (!error.hint().empty()) {
        text += concat(coloured("hint:", "\x1b[36m", style.colour),
                       " ",
                       visible(for_program(error.hint(), style.program)),
                       "\n");
    }
    return text;
}

int report_errors(const std::function<ReportStyle()>& style,
                  const std::function<void(std::string_view)>& print,
                  const std::function<int()>& action) {
    const auto report = [&](const Error& error) {
        print(format_error(error, style()));
        return error.exit_code();
    };
    try {
        return action();
    } catch (const Error& error) {
        return report(error);
    } catch (const std::bad_alloc&) {
        return report(Error(ErrorCode::Internal, "out of memory").hint("close other programs"));
    } catch (const std::exception& error) {
        return report(Error(ErrorCode::Internal, error.what()));
    } catch (...) {
        return report(Error(ErrorCode::Internal, "an unknown exception"));
    }
}

std::optional<Error> failure_of(const std::function<void()>& part) {
    try {
        part();
    } catch (const Error& error) {
        return error;
    }
    return std::nullopt;
}

}  // namespace backup::plugin
