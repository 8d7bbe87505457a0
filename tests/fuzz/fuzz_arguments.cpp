// SPDX-License-Identifier: Apache-2.0
// What people and other programs write as one word or line: POINT:PATH, places in pods, times,
// sizes, selectors, escaped names, the kernel's table of mounts.
#include "core/base/clock.hpp"
#include "core/base/error.hpp"
#include "core/base/mount_table.hpp"
#include "core/base/text.hpp"
#include "core/base/units.hpp"
#include "core/kube/exec_status.hpp"
#include "core/model/recovery_point.hpp"
#include "core/model/selector.hpp"
#include "core/repository/tree_names.hpp"
#include "plugin/cli/point_argument.hpp"

#include <cstdint>
#include <cstdlib>

using namespace backup;

namespace {

template <typename Action>
void may_refuse(Action action) {
    try {
        action();
    } catch (const Error& error) {
        if (error.code() != ErrorCode::InvalidArgument && error.code() != ErrorCode::Usage) {
            std::abort();
        }
    }
}

void expect(bool is_true) {
    if (!is_true) {
        std::abort();
    }
}

/// No path of a point leads out of its tree.
void check_path(std::string_view text) {
    const auto argument = plugin::parse_path(text);
    expect(argument.path.empty() || (argument.path.front() != '/' && argument.path.back() != '/'));
    for (const auto& part : split(argument.path, '/')) {
        expect(part != "..");
    }
}

void check_selector(std::string_view text) {
    const auto selector = model::parse_label_selector(text);
    expect(model::parse_label_selector(model::format_label_selector(selector)) == selector);
}

void check_names(std::string_view text) {
    const auto escaped = repository::escape_name(text);
    expect(escaped.size() <= 250 && escaped.find('/') == std::string::npos && !escaped.empty());
    if (const auto name = repository::unescape_name(escaped)) {
        expect(*name == text);
    }
    repository::unescape_name(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    may_refuse([&] { check_path(text); });
    may_refuse([&] {
        if (const auto place = plugin::parse_pod_path(text)) {
            expect(!place->pod.empty() && place->path.starts_with('/'));
        }
    });
    may_refuse([&] { parse_rfc3339(format_rfc3339(parse_rfc3339(text))); });
    may_refuse([&] { parse_size(text); });
    may_refuse([&] { format_age(parse_duration(text)); });
    may_refuse([&] { model::check_point_name(text); });
    may_refuse([&] { check_selector(text); });
    may_refuse([&] { model::parse_annotation_selector(text); });
    check_names(text);
    parse_mount_table(text);
    kube::read_exec_status(text);
    expect(is_utf8(printable(text)));
    return 0;
}
