// SPDX-License-Identifier: Apache-2.0
#include "core/base/mount_table.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace backup {

namespace {

bool is_octal(char c) {
    return c >= '0' && c <= '7';
}

/// The kernel writes blanks, tabs, line ends and backslashes as \ooo.
std::string without_escapes(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) &&
            is_octal(text[i + 2]) && is_octal(text[i + 3])) {
            out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                     (text[i + 3] - '0'));
            i += 3;
        } else {
            out += text[i];
        }
    }
    return out;
}

}  // namespace

std::vector<MountEntry> parse_mount_table(std::string_view text) {
    constexpr std::size_t kDevice = 2;
    constexpr std::size_t kPoint = 4;
    std::vector<MountEntry> table;
    for (const auto& line : split(text, '\n')) {
        const auto fields = split(line, ' ');
        const auto dash = std::ranges::find(fields, "-");
        if (fields.size() <= kPoint || fields.end() - dash < 3) {
            continue;
        }
        table.push_back({fields[kDevice],
                         without_escapes(fields[kPoint]),
                         without_escapes(*(dash + 1)),
                         without_escapes(*(dash + 2))});
    }
    return table;
}

std::vector<MountEntry> read_mount_table() {
    const std::ifstream file("/proc/self/mountinfo");
    std::ostringstream text;
    text << file.rdbuf();
    return parse_mount_table(text.str());
}

std::optional<MountEntry> find_mount(const std::vector<MountEntry>& table,
                                     const std::filesystem::path& directory) {
    std::optional<MountEntry> found;
    for (const auto& entry : table) {
        if (entry.point == directory.string()) {
            found = entry;
        }
    }
    return found;
}

std::filesystem::path mount_point_path(const std::filesystem::path& directory) {
    auto path = std::filesystem::absolute(directory).lexically_normal();
    if (path.filename().empty() && path.has_parent_path()) {
        path = path.parent_path();
    }
    std::error_code problem;
    const auto parent = std::filesystem::weakly_canonical(path.parent_path(), problem);
    return problem ? path : parent / path.filename();
}

}  // namespace backup
