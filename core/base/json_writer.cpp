// SPDX-License-Identifier: Apache-2.0
#include "core/base/json.hpp"
#include "core/base/text.hpp"
#include "core/base/utf8.hpp"

namespace backup {

namespace {

constexpr std::size_t kIndent = 4;

class JsonWriter {
  public:
    explicit JsonWriter(bool pretty) : pretty_(pretty) {}

    void write(const Json& value) {
        if (value.is_object()) {
            write_container('{', '}', value.members(), [this](const Json::Member& member) {
                write_string(member.first);
                out_ += pretty_ ? ": " : ":";
                write(member.second);
            });
        } else if (value.is_array()) {
            write_container('[', ']', value.items(), [this](const Json& item) { write(item); });
        } else if (value.is_string()) {
            write_string(value.string());
        } else if (value.is_number()) {
            out_ += value.number_text();
        } else if (value.is_bool()) {
            out_ += value.boolean() ? "true" : "false";
        } else {
            out_ += "null";
        }
    }

    std::string take() { return std::move(out_); }

  private:
    template <typename Items, typename WriteItem>
    void write_container(char begin, char end, const Items& items, WriteItem write_item) {
        out_ += begin;
        ++depth_;
        bool first = true;
        for (const auto& item : items) {
            if (!first) {
                out_ += ',';
            }
            first = false;
            break_line();
            write_item(item);
        }
        --depth_;
        if (!items.empty()) {
            break_line();
        }
        out_ += end;
    }

    void break_line() {
        if (pretty_) {
            out_ += '\n';
            out_.append(depth_ * kIndent, ' ');
        }
    }

    void write_string(std::string_view text) {
        std::string repaired;
        if (!is_utf8(text)) {
            repaired = replace_invalid_utf8(text);
            text = repaired;
        }
        out_ += '"';
        for (const char character : text) {
            write_character(character);
        }
        out_ += '"';
    }

    void write_character(char character) {
        constexpr std::string_view hex = "0123456789abcdef";
        constexpr std::string_view escaped = "\"\\\b\f\n\r\t";
        constexpr std::string_view letters = "\"\\bfnrt";
        const auto code = static_cast<unsigned char>(character);
        if (const auto at = escaped.find(character); at != std::string_view::npos) {
            out_ += '\\';
            out_ += letters[at];
        } else if (code < 0x20) {
            out_ += "\\u00";
            out_ += hex[code >> 4U];
            out_ += hex[code & 0xfU];
        } else {
            out_ += character;
        }
    }

    bool pretty_;
    std::size_t depth_ = 0;
    std::string out_;
};

}  // namespace

std::string format_json(const Json& value) {
    JsonWriter writer(false);
    writer.write(value);
    return writer.take();
}

std::string format_json_pretty(const Json& value) {
    JsonWriter writer(true);
    writer.write(value);
    return writer.take() + '\n';
}

}  // namespace backup
