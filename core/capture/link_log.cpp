// SPDX-License-Identifier: Apache-2.0
#include "core/capture/link_log.hpp"

#include "core/base/error.hpp"

#include <concepts>
#include <optional>
#include <type_traits>
#include <utility>

namespace backup::capture {

namespace {

/// Parts end there: growing a buffer takes twice its memory for a moment.
constexpr std::size_t kPartBytes = 1U << 20U;

/// A smaller log is packed once more when it is merged: it shares more texts then.
constexpr std::size_t kSmallBytes = 64U << 10U;

constexpr std::size_t kRecentTexts = 1024;
constexpr std::size_t kLongestRecent = 256;

template <typename Value, typename Plain>
concept Is = std::same_as<std::remove_const_t<Value>, Plain>;

// The members of each type, for both directions.

template <typename Codec, Is<model::ObjectKey> Value>
void code(Codec& codec, Value& key) {
    codec(key.resource);
    codec(key.ns);
    codec(key.name);
}

template <typename Codec, Is<Reference> Value>
void code(Codec& codec, Value& reference) {
    codec(reference.key);
    codec(reference.why);
}

template <typename Codec, Is<KindRef> Value>
void code(Codec& codec, Value& ref) {
    codec(ref.group);
    codec(ref.kind);
    codec(ref.name);
}

template <typename Codec, Is<model::LabelRequirement> Value>
void code(Codec& codec, Value& requirement) {
    codec(requirement.key);
    codec(requirement.op);
    codec(requirement.values);
}

template <typename Codec, Is<model::LabelSelector> Value>
void code(Codec& codec, Value& selector) {
    codec(selector.requirements);
}

template <typename Codec, Is<Links> Value>
void code(Codec& codec, Value& links) {
    codec(links.key);
    codec(links.needs);
    codec(links.owners);
    codec(links.attached_to);
    codec(links.groups);
    codec(links.scales);
    codec(links.scales_why);
    codec(links.selects);
    codec(links.selects_why);
    codec(links.pod_labels);
    codec(links.makes);
    codec(links.is_made);
}

}  // namespace

std::uint16_t LinkLog::Recent::find(const std::string& text) const {
    const auto found = numbers_.find(text);
    return found == numbers_.end() ? kNone : found->second;
}

const std::string& LinkLog::Recent::text(std::uint16_t number) const {
    if (number >= texts_.size()) {
        throw Error(ErrorCode::CorruptData, "packed links: a text that there is not");
    }
    return texts_[number];
}

void LinkLog::Recent::add(const std::string& text) {
    if (text.size() > kLongestRecent) {
        return;
    }
    if (texts_.size() < kRecentTexts) {
        texts_.push_back(text);
    } else {
        numbers_.erase(texts_[next_]);
        texts_[next_] = text;
    }
    numbers_[text] = static_cast<std::uint16_t>(next_);
    next_ = (next_ + 1) % kRecentTexts;
}

class LinkLog::Packer {
  public:
    Packer(ByteWriter& out, Recent& recent) : out_(out), recent_(recent) {}

    void operator()(const std::string& text) {
        const auto number = recent_.find(text);
        out_.number(number);
        if (number == Recent::kNone) {
            out_.sized(text);
            recent_.add(text);
        }
    }

    void operator()(bool value) { out_.number(static_cast<std::uint8_t>(value)); }

    void operator()(model::LabelOperator value) { out_.number(static_cast<std::uint8_t>(value)); }

    void operator()(const model::Labels& labels) {
        out_.number(static_cast<std::uint32_t>(labels.size()));
        for (const auto& [name, value] : labels) {
            (*this)(name);
            (*this)(value);
        }
    }

    template <typename Value>
    void operator()(const std::vector<Value>& values) {
        out_.number(static_cast<std::uint32_t>(values.size()));
        for (const auto& value : values) {
            (*this)(value);
        }
    }

    template <typename Value>
    void operator()(const std::optional<Value>& value) {
        (*this)(value.has_value());
        if (value) {
            (*this)(*value);
        }
    }

    template <typename Value>
    void operator()(const Value& value) {
        code(*this, value);
    }

  private:
    ByteWriter& out_;
    Recent& recent_;
};

class LinkLog::Unpacker {
  public:
    explicit Unpacker(ByteView bytes) : in_(bytes, "packed links") {}

    bool at_end() const { return in_.remaining() == 0; }

    void operator()(std::string& text) {
        const auto number = in_.number<std::uint16_t>();
        text = number == Recent::kNone ? in_.sized_text() : recent_.text(number);
        if (number == Recent::kNone) {
            recent_.add(text);
        }
    }

    void operator()(bool& value) { value = in_.number<std::uint8_t>() != 0; }

    void operator()(model::LabelOperator& value) {
        value = static_cast<model::LabelOperator>(in_.number<std::uint8_t>());
    }

    void operator()(model::Labels& labels) {
        for (auto left = in_.number<std::uint32_t>(); left > 0; --left) {
            std::string name;
            (*this)(name);
            (*this)(labels[name]);
        }
    }

    template <typename Value>
    void operator()(std::vector<Value>& values) {
        for (auto left = in_.number<std::uint32_t>(); left > 0; --left) {
            (*this)(values.emplace_back());
        }
    }

    template <typename Value>
    void operator()(std::optional<Value>& value) {
        bool has_value = false;
        (*this)(has_value);
        if (has_value) {
            (*this)(value.emplace());
        }
    }

    template <typename Value>
    void operator()(Value& value) {
        code(*this, value);
    }

  private:
    ByteReader in_;
    Recent recent_;
};

void LinkLog::add(const Links& links) {
    Packer pack(last_, recent_);
    pack(links);
    if (last_.size() >= kPartBytes) {
        end_part();
    }
}

void LinkLog::merge(LinkLog&& other) {
    if (other.bytes() < kSmallBytes) {
        other.drain([this](const Links& links) { add(links); });
        return;
    }
    end_part();
    other.end_part();
    for (auto& part : std::exchange(other.parts_, {})) {
        parts_.push_back(std::move(part));
    }
}

void LinkLog::drain(const std::function<void(const Links& links)>& visit) {
    end_part();
    for (auto& part : std::exchange(parts_, {})) {
        const Bytes bytes = std::move(part);
        Unpacker unpack(bytes);
        while (!unpack.at_end()) {
            Links links;
            unpack(links);
            visit(links);
        }
    }
}

std::size_t LinkLog::bytes() const {
    std::size_t sum = last_.size();
    for (const auto& part : parts_) {
        sum += part.size();
    }
    return sum;
}

void LinkLog::end_part() {
    if (last_.size() > 0) {
        // Exactly as long as it is.
        parts_.push_back(to_bytes(last_.view()));
    }
    last_ = {};
    recent_ = {};
}

}  // namespace backup::capture
