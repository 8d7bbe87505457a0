// SPDX-License-Identifier: Apache-2.0
// The end of every failed run: Error -> text (or one JSON record) on stderr, and the exit code.
#pragma once

#include "core/base/error.hpp"
#include "core/base/json.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace backup::plugin {

struct ReportStyle {
    std::string_view program = "kubectl backup";
    bool as_json = false;
    bool colour = false;
};

/// The record printed with -o json: {apiVersion, kind: Error, code, message, context, hint,
/// exitCode}.
Json error_record(const Error& error, std::string_view program);

/// "error: ...\nhint: ...\n", or the record on one line. Control characters of foreign text are
/// made visible.
std::string format_error(const Error& error, const ReportStyle& style);

/// Runs `action`; what it throws is handed to `print` as text and becomes the exit code. Anything
/// that is not an Error counts as Internal.
int report_errors(const std::function<ReportStyle()>& style,
                  const std::function<void(std::string_view)>& print,
                  const std::function<int()>& action);

/// The Error that `part` ended with: for a part of an answer that is told as missing, not fatal.
std::optional<Error> failure_of(const std::function<void()>& part);

}  // namespace backup::plugin
