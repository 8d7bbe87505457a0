// SPDX-License-Identifier: Apache-2.0
#include "core/base/yaml.hpp"

#include "core/base/bytes.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/base/utf8.hpp"
#include "core/base/yaml_scalar.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>

namespace backup {

namespace {

constexpr std::size_t kDepthLimit = 512;
// What anchors and aliases may add to a document. A few lines can name 10^9 copies ("billion
// laughs").
constexpr std::size_t kExpansionLimitBytes = 4U << 20U;
constexpr std::string_view kYamlTag = "tag:yaml.org,2002:";

[[noreturn]] void fail(const YAML::Mark& mark, std::string_view reason) {
    throw Error(ErrorCode::InvalidArgument,
                concat("not valid YAML at line ", mark.line + 1, ": ", reason));
}

struct Extent {
    std::size_t bytes = 0;
    std::size_t depth = 0;
};

Extent extent_of(const Json& value) {
    Extent total{sizeof(Json), 0};
    const auto add = [&total](const Json& child) {
        const auto extent = extent_of(child);
        total.bytes += extent.bytes;
        total.depth = std::max(total.depth, extent.depth + 1);
    };
    if (value.is_string()) {
        total.bytes += value.string().size();
    } else if (value.is_array()) {
        std::for_each(value.items().begin(), value.items().end(), add);
    } else if (value.is_object()) {
        for (const auto& [name, member] : value.members()) {
            total.bytes += name.size() + sizeof(Json);
            add(member);
        }
    }
    return total;
}

/// yaml-cpp turns the escapes \N and \_ into single bytes where UTF-8 needs two. The document
/// itself was checked, so every stray byte is one of those.
std::string repaired(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto next = decode_utf8(text);
        const auto length = next ? next->length : 1;
        out += next ? "" : "\xc2";
        out += text.substr(0, length);
        text.remove_prefix(length);
    }
    return out;
}

/// The name of a member: booleans and numbers are allowed as keys and become text.
std::string key_text(const Json& key, const YAML::Mark& mark) {
    if (key.is_string()) {
        return key.string();
    }
    if (key.is_number()) {
        return key.number_text();
    }
    if (key.is_bool()) {
        return key.boolean() ? "true" : "false";
    }
    fail(mark, "a key is neither text nor a number");
}

/// A container that is not yet complete.
struct Open {
    Json value;
    YamlLines lines;           // with parts up to where the value has them
    std::size_t key_line = 0;  // of `key`
    YAML::anchor_t anchor = 0;
    std::optional<std::string> key;  // of the member whose value comes next
    bool merge = false;              // the value that comes next belongs to a `<<`
    std::vector<Json> merged;
    std::map<std::string, std::size_t, std::less<>> names;
};

void put(Open& map, std::string name, Json value, YamlLines lines) {
    auto& members = map.value.members();
    const auto [found, added] = map.names.try_emplace(name, members.size());
    if (added) {
        members.emplace_back(std::move(name), std::move(value));
        map.lines.parts.push_back(std::move(lines));
    } else {
        members[found->second].second = std::move(value);
        map.lines.parts[found->second] = std::move(lines);
    }
}

/// Own members win over merged ones, earlier merged ones over later (yaml.org/type/merge.html).
void apply_merges(Open& map, const YAML::Mark& mark) {
    for (auto& source : map.merged) {
        Json::Array maps;
        if (source.is_array()) {
            maps = std::move(source.items());
        } else {
            maps.push_back(std::move(source));
        }
        for (auto& one : maps) {
            if (!one.is_object()) {
                fail(mark, "'<<' needs a map");
            }
            for (auto& [name, value] : one.members()) {
                if (map.names.find(name) == map.names.end()) {
                    put(map, name, std::move(value), {map.lines.line, {}});
                }
            }
        }
    }
}

class DocumentBuilder : public YAML::EventHandler {
  public:
    void OnDocumentStart(const YAML::Mark&) override {}

    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        finish(mark, anchor, Json(), {line_of(mark), {}});
    }

    void OnScalar(const YAML::Mark& mark,
                  const std::string& tag,
                  YAML::anchor_t anchor,
                  const std::string& text) override {
        const bool is_key_place = !open_.empty() && open_.back().value.is_object() &&
                                  !open_.back().key && !open_.back().merge;
        if (is_key_place && text == "<<" && (tag == "?" || tag == concat(kYamlTag, "merge"))) {
            open_.back().merge = true;
            return;
        }
        finish(mark,
               anchor,
               is_utf8(text) ? resolve(mark, tag, text) : Json(repaired(text)),
               {line_of(mark), {}});
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const auto found = anchors_.find(anchor);
        if (found == anchors_.end()) {
            fail(mark, "an alias inside the value it stands for");
        }
        charge(mark, found->second);
        finish(mark, 0, found->second, {line_of(mark), {}});
    }

    void OnSequenceStart(const YAML::Mark& mark,
                         const std::string&,
                         YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(mark, anchor, Json::array());
    }

    void OnSequenceEnd() override { close(); }

    void OnMapStart(const YAML::Mark& mark,
                    const std::string&,
                    YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(mark, anchor, Json::object());
    }

    void OnMapEnd() override {
        apply_merges(open_.back(), last_mark_);
        close();
    }

    LocatedYaml take() { return {std::move(root_), std::move(root_lines_)}; }

  private:
    static std::size_t line_of(const YAML::Mark& mark) {
        return static_cast<std::size_t>(std::max(mark.line, 0)) + 1;
    }

    static Json resolve(const YAML::Mark& mark, const std::string& tag, const std::string& text) {
        if (tag == "?") {
            return with_context([&] { return concat("line ", mark.line + 1); },
                                [&] { return resolve_plain_scalar(text); });
        }
        if (tag == concat(kYamlTag, "binary")) {
            std::string decoded(as_text(from_base64(text)));
            if (!is_utf8(decoded)) {
                fail(mark, "binary content is no text");
            }
            return decoded;
        }
        const bool typed = tag == concat(kYamlTag, "int") || tag == concat(kYamlTag, "float") ||
                           tag == concat(kYamlTag, "bool") || tag == concat(kYamlTag, "null");
        if (!typed) {
            return text;
        }
        auto value = resolve_plain_scalar(text);
        const auto wanted = std::string_view(tag).substr(kYamlTag.size());
        const bool fits = wanted == "bool"   ? value.is_bool()
                          : wanted == "null" ? value.is_null()
                                             : value.is_number();
        if (!fits) {
            fail(mark, concat("a value is not a ", wanted, ", as its tag says"));
        }
        return value;
    }

    void open(const YAML::Mark& mark, YAML::anchor_t anchor, Json value) {
        if (open_.size() >= kDepthLimit) {
            fail(mark, concat("nested deeper than ", kDepthLimit, " levels"));
        }
        last_mark_ = mark;
        Open container;
        container.value = std::move(value);
        container.anchor = anchor;
        container.lines.line = line_of(mark);
        open_.push_back(std::move(container));
    }

    void close() {
        auto done = std::move(open_.back());
        open_.pop_back();
        finish(last_mark_, done.anchor, std::move(done.value), std::move(done.lines));
    }

    void finish(const YAML::Mark& mark, YAML::anchor_t anchor, Json value, YamlLines lines) {
        last_mark_ = mark;
        if (anchor != 0) {
            charge(mark, value);
            anchors_[anchor] = value;
        }
        if (open_.empty()) {
            root_ = std::move(value);
            root_lines_ = std::move(lines);
            return;
        }
        auto& parent = open_.back();
        if (parent.value.is_array()) {
            parent.value.push_back(std::move(value));
            parent.lines.parts.push_back(std::move(lines));
        } else if (parent.merge) {
            parent.merged.push_back(std::move(value));
            parent.merge = false;
        } else if (parent.key) {
            lines.line = parent.key_line;
            put(parent,
                *std::exchange(parent.key, std::nullopt),
                std::move(value),
                std::move(lines));
        } else {
            parent.key = key_text(value, mark);
            parent.key_line = lines.line;
        }
    }

    void charge(const YAML::Mark& mark, const Json& copy) {
        const auto extent = extent_of(copy);
        expanded_bytes_ += extent.bytes;
        if (expanded_bytes_ > kExpansionLimitBytes || open_.size() + extent.depth > kDepthLimit) {
            fail(mark, "its aliases stand for too much");
        }
    }

    std::vector<Open> open_;
    std::map<YAML::anchor_t, Json> anchors_;
    std::size_t expanded_bytes_ = 0;
    YAML::Mark last_mark_;
    Json root_;
    YamlLines root_lines_;
};

}  // namespace

LocatedYaml parse_located_yaml(std::string_view text) {
    if (!is_utf8(text)) {
        throw Error(ErrorCode::InvalidArgument, "not valid YAML: it is not UTF-8 text");
    }
    std::istringstream in{std::string(text)};
    DocumentBuilder builder;
    try {
        YAML::Parser parser(in);
        parser.HandleNextDocument(builder);
    } catch (const YAML::Exception& error) {
        fail(error.mark, error.msg);
    }
    return builder.take();
}

Json parse_yaml(std::string_view text) {
    return parse_located_yaml(text).value;
}

}  // namespace backup
