// SPDX-License-Identifier: Apache-2.0
#include "core/base/utf8.hpp"
#include "core/base/yaml.hpp"
#include "core/base/yaml_scalar.hpp"

#include <algorithm>

namespace backup {

namespace {

// YAML 1.2 section 7.4: readers look for the ':' of a simple key no further than 1024 characters.
constexpr std::size_t kLongestSimpleKey = 900;

void append_escape(std::string& out, char32_t character) {
    constexpr std::string_view hex = "0123456789abcdef";
    constexpr std::string_view named = "\"\\\n\t\r";
    constexpr std::string_view letters = "\"\\ntr";
    if (character < 0x80) {
        if (const auto at = named.find(static_cast<char>(character));
            at != std::string_view::npos) {
            out += '\\';
            out += letters[at];
            return;
        }
    }
    const int digits = character < 0x100 ? 2 : character < 0x10000 ? 4 : 8;
    out += digits == 2 ? "\\x" : digits == 4 ? "\\u" : "\\U";
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
        out += hex[(character >> static_cast<unsigned>(shift)) & 0xfU];
    }
}

std::string double_quoted(std::string_view text) {
    std::string out = "\"";
    while (!text.empty()) {
        const auto next = decode_utf8(text);
        const auto length = next ? next->length : 1;
        const auto character = next ? next->character : char32_t{0xfffd};
        const auto piece = text.substr(0, length);
        if (!next || piece == "\"" || piece == "\\" || piece == "\n" || needs_escapes(piece)) {
            append_escape(out, character);
        } else {
            out += piece;
        }
        text.remove_prefix(length);
    }
    return out + '"';
}

std::string single_quoted(std::string_view text) {
    std::string out = "'";
    for (const char character : text) {
        out += character == '\'' ? "''" : std::string_view(&character, 1);
    }
    return out + "'";
}

std::string quoted(std::string_view text) {
    const bool escapes = needs_escapes(text) || text.find('\n') != std::string_view::npos;
    const bool has_quotes = text.find_first_of("\"\\") != std::string_view::npos;
    return !escapes && has_quotes ? single_quoted(text) : double_quoted(text);
}

/// A literal block shows a text as it is. Only where every reader agrees: the first line says how
/// far the block is indented, so it must not be blank or begin with white space; a last line of
/// spaces would count as indentation. Tabs are content anywhere else.
bool fits_literal_block(std::string_view text) {
    const auto first_break = text.find('\n');
    if (first_break == std::string_view::npos || first_break == 0 || text.front() == ' ' ||
        text.front() == '\t') {
        return false;
    }
    std::string checked(text);
    std::erase(checked, '\t');
    if (needs_escapes(checked)) {
        return false;
    }
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        if (!line.empty() && line.find_first_not_of(" \t") == std::string_view::npos) {
            return false;
        }
        text.remove_prefix(std::min(text.size(), line.size() + 1));
    }
    return true;
}

class YamlWriter {
  public:
    /// A value that begins a line of its own; `depth` is its indentation.
    void write_block(const Json& value, std::size_t depth) {
        if (value.is_object() && !value.members().empty()) {
            write_members(value.members(), depth);
        } else if (value.is_array() && !value.items().empty()) {
            write_items(value.items(), depth);
        } else {
            write_scalar(value, depth);
        }
    }

    std::string take() { return std::move(out_); }

  private:
    void write_members(const Json::Object& members, std::size_t depth) {
        bool first = true;
        for (const auto& [name, value] : members) {
            start_line(depth, first);
            const auto key = needs_quotes(name) ? quoted(name) : name;
            if (key.size() > kLongestSimpleKey) {
                out_ += "? ";
                out_ += key;
                out_ += '\n';
                out_.append(depth, ' ');
            } else {
                out_ += key;
            }
            out_ += ':';
            write_member_value(value, depth);
        }
    }

    void write_member_value(const Json& value, std::size_t depth) {
        if (value.is_object() && !value.members().empty()) {
            out_ += '\n';
            out_.append(depth + 2, ' ');
            write_members(value.members(), depth + 2);
        } else if (value.is_array() && !value.items().empty()) {
            // The items stand below their key, as kubectl prints them.
            out_ += '\n';
            out_.append(depth, ' ');
            write_items(value.items(), depth);
        } else {
            out_ += ' ';
            write_scalar(value, depth + 2);
        }
    }

    void write_items(const Json::Array& items, std::size_t depth) {
        bool first = true;
        for (const auto& item : items) {
            start_line(depth, first);
            out_ += "- ";
            write_block(item, depth + 2);
        }
    }

    void start_line(std::size_t depth, bool& first) {
        if (!first) {
            out_.append(depth, ' ');
        }
        first = false;
    }

    /// With its line break. `depth` is where the lines of a literal block begin.
    void write_scalar(const Json& value, std::size_t depth) {
        if (value.is_string()) {
            write_string(value.string(), depth);
            return;
        }
        if (value.is_object() || value.is_array()) {
            out_ += value.is_object() ? "{}" : "[]";
        } else if (value.is_number()) {
            out_ += value.number_text();
        } else if (value.is_bool()) {
            out_ += value.boolean() ? "true" : "false";
        } else {
            out_ += "null";
        }
        out_ += '\n';
    }

    void write_string(std::string_view text, std::size_t depth) {
        if (fits_literal_block(text)) {
            write_literal(text, depth);
            return;
        }
        out_ += needs_quotes(text) ? quoted(text) : std::string(text);
        out_ += '\n';
    }

    void write_literal(std::string_view text, std::size_t depth) {
        const bool ends = text.ends_with('\n');
        out_ += !ends ? "|-\n" : text.ends_with("\n\n") ? "|+\n" : "|\n";
        while (!text.empty()) {
            const auto line = text.substr(0, text.find('\n'));
            if (!line.empty()) {
                out_.append(std::max<std::size_t>(depth, 2), ' ');
                out_ += line;
            }
            out_ += '\n';
            text.remove_prefix(std::min(text.size(), line.size() + 1));
        }
    }

    std::string out_;
};

}  // namespace

std::string format_yaml(const Json& value) {
    YamlWriter writer;
    writer.write_block(value, 0);
    return writer.take();
}

}  // namespace backup
