// SPDX-License-Identifier: Apache-2.0
#include "plugin/output/table.hpp"

#include "core/base/text.hpp"

#include <algorithm>

namespace backup::plugin {

namespace {

constexpr std::size_t kPadding = 3;

}  // namespace

std::string toned(std::string_view text, Tone tone, bool colour) {
    if (!colour || text.empty() || tone == Tone::Plain) {
        return std::string(text);
    }
    const std::string_view escape = tone == Tone::Good      ? "\x1b[32m"
                                    : tone == Tone::Warning ? "\x1b[33m"
                                    : tone == Tone::Bad     ? "\x1b[31m"
                                                            : "\x1b[2m";
    return concat(escape, text, "\x1b[0m");
}

std::size_t display_width(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

void Table::add(std::vector<Cell> row) {
    row.resize(headers_.size());
    for (auto& cell : row) {
        cell.text = printable(cell.text);
    }
    rows_.push_back(std::move(row));
}

std::string Table::format(const Style& style) const {
    std::vector<std::vector<Cell>> lines;
    if (style.headers) {
        auto& header = lines.emplace_back();
        for (const auto& text : headers_) {
            header.push_back({text, Tone::Plain});
        }
    }
    lines.insert(lines.end(), rows_.begin(), rows_.end());
    std::vector<std::size_t> widths(headers_.size(), 0);
    for (const auto& line : lines) {
        for (std::size_t i = 0; i < line.size(); ++i) {
            widths[i] = std::max(widths[i], display_width(line[i].text));
        }
    }
    std::string out;
    for (const auto& line : lines) {
        std::string padding(style.indent, ' ');
        for (std::size_t i = 0; i < line.size(); ++i) {
            if (!line[i].text.empty()) {
                out += padding + toned(line[i].text, line[i].tone, style.colour);
                padding.clear();
            }
            padding.append(widths[i] - display_width(line[i].text) + kPadding, ' ');
        }
        out += '\n';
    }
    return out;
}

}  // namespace backup::plugin
