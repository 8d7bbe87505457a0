// SPDX-License-Identifier: Apache-2.0
#include "plugin/commands/files.hpp"

#include "core/base/clock.hpp"
#include "core/base/error.hpp"
#include "core/base/stop_on_signal.hpp"
#include "core/base/text.hpp"
#include "core/restore/copy_content.hpp"
#include "core/view/read_content.hpp"

#include <array>
#include <ostream>

namespace backup::plugin {

namespace {

char type_letter(model::FileType type) {
    switch (type) {
        case model::FileType::Regular:
            return '-';
        case model::FileType::Directory:
            return 'd';
        case model::FileType::Symlink:
            return 'l';
        case model::FileType::Fifo:
            return 'p';
        case model::FileType::Socket:
            return 's';
        case model::FileType::CharacterDevice:
            return 'c';
        case model::FileType::BlockDevice:
            return 'b';
    }
    return '?';
}

/// The execute place of one of the three groups, with the special bit that shows there.
char execute_letter(bool can_execute, bool is_special, char letter) {
    if (is_special) {
        return can_execute ? letter : static_cast<char>(letter - 'a' + 'A');
    }
    return can_execute ? 'x' : '-';
}

std::string octal(std::uint32_t mode) {
    std::string text;
    for (int shift = 9; shift >= 0; shift -= 3) {
        text += static_cast<char>('0' + ((mode >> static_cast<unsigned>(shift)) & 7U));
    }
    return text;
}

}  // namespace

std::string mode_text(model::FileType type, std::uint32_t mode) {
    std::string text(1, type_letter(type));
    constexpr std::array<char, 3> kSpecial = {'s', 's', 't'};
    for (unsigned group = 0; group < 3; ++group) {
        const std::uint32_t bits = mode >> (6 - 3 * group);
        const bool is_special = (mode & (04000U >> group)) != 0;
        text += (bits & 4U) != 0 ? 'r' : '-';
        text += (bits & 2U) != 0 ? 'w' : '-';
        text += execute_letter((bits & 1U) != 0, is_special, kSpecial.at(group));
    }
    return text;
}

std::string_view type_text(model::FileType type) {
    switch (type) {
        case model::FileType::Regular:
            return "Regular";
        case model::FileType::Directory:
            return "Directory";
        case model::FileType::Symlink:
            return "Symlink";
        case model::FileType::Fifo:
            return "Fifo";
        case model::FileType::Socket:
            return "Socket";
        case model::FileType::CharacterDevice:
            return "CharacterDevice";
        case model::FileType::BlockDevice:
            return "BlockDevice";
    }
    return "Unknown";
}

Json file_record(std::string_view path, view::Node& node) {
    const auto file = node.info().attributes;
    Json record = Json::object(
        {{"path", path},
         {"type", type_text(file.type)},
         {"mode", octal(file.mode)},
         {"uid", static_cast<std::uint64_t>(file.uid)},
         {"gid", static_cast<std::uint64_t>(file.gid)},
         {"size", file.size},
         {"modified", format_rfc3339(TimePoint(std::chrono::nanoseconds(file.mtime_ns)))}});
    if (file.type == model::FileType::Symlink) {
        record["target"] = file.link_target;
    }
    return record;
}

void print_content(view::Node& node, std::ostream& out, const std::stop_token& stop) {
    const auto print = [&](const view::ContentRun& run) {
        for (const auto& piece : run.data) {
            const auto text = as_text(piece.bytes);
            if (!out.write(text.data(), static_cast<std::streamsize>(text.size()))) {
                throw Error(ErrorCode::Io, "standard output cannot be written");
            }
        }
    };
    view::ContentReading reading;
    reading.is_ahead = true;
    reading.fills_holes = true;
    const auto size = restore::attributes_of(node).size;
    if (const auto failure = view::read_content(node, size, reading, stop, print)) {
        throw Error(*failure);
    }
}

}  // namespace backup::plugin
