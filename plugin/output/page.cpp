// SPDX-License-Identifier: Apache-2.0
#include "plugin/output/page.hpp"

#include "core/base/text.hpp"
#include "plugin/cli/help.hpp"

#include <algorithm>
#include <ostream>

namespace backup::plugin {

namespace {

constexpr std::size_t kColumn = 14;
constexpr std::size_t kWidth = 100;

}  // namespace

void Page::field(std::string_view name, std::string_view value, Tone tone) {
    if (value.empty()) {
        return;
    }
    std::string label = concat(name, ":");
    label.resize(std::max(label.size() + 1, kColumn), ' ');
    output_.out << label << toned(printable(value), tone, output_.colour) << '\n';
}

void Page::section(std::string_view heading, Tone tone) {
    output_.out << '\n' << toned(concat(heading, ":"), tone, output_.colour) << '\n';
}

void Page::line(std::string_view text, std::size_t margin, Tone tone) {
    output_.out << std::string(margin, ' ') << toned(printable(text), tone, output_.colour) << '\n';
}

void Page::text(std::string_view text, std::size_t margin) {
    output_.out << wrap(printable(trim(text)), kWidth, margin);
}

void Page::table(std::string_view heading, const Table& table) {
    if (!table.is_empty()) {
        section(heading);
        output_.out << table.format({output_.headers, output_.colour, 2});
    }
}

void Page::texts(std::string_view heading, const std::vector<std::string>& texts) {
    if (texts.empty()) {
        return;
    }
    section(heading);
    for (const auto& item : texts) {
        text(item);
    }
}

}  // namespace backup::plugin
