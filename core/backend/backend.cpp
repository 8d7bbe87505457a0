// SPDX-License-Identifier: Apache-2.0
#include "core/backend/backend.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>

namespace backup::backend {

namespace {

constexpr std::size_t kLongestName = 255;

bool is_name_character(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') || character == '.' || character == '_' ||
           character == '-';
}

bool is_component(std::string_view text) {
    return !text.empty() && !text.starts_with('.') && !text.starts_with("tmp-") &&
           std::all_of(text.begin(), text.end(), is_name_character);
}

class RangeReader : public BlobReader {
  public:
    RangeReader(Backend& backend, std::string_view name) : backend_(backend), name_(name) {}

    void read(std::uint64_t offset, std::span<std::byte> out) override {
        backend_.get_range(name_, offset, out);
    }

  private:
    Backend& backend_;
    std::string name_;
};

}  // namespace

std::unique_ptr<BlobReader> Backend::open(std::string_view name) {
    // Asked for its size, so that one that is missing is told of now.
    static_cast<void>(size(name));
    return std::make_unique<RangeReader>(*this, name);
}

bool is_blob_name(std::string_view name) {
    if (name.size() > kLongestName) {
        return false;
    }
    for (;;) {
        const auto slash = name.find('/');
        if (!is_component(name.substr(0, slash))) {
            return false;
        }
        if (slash == std::string_view::npos) {
            return true;
        }
        name.remove_prefix(slash + 1);
    }
}

void check_blob_name(std::string_view name) {
    if (!is_blob_name(name)) {
        throw Error(ErrorCode::InvalidArgument,
                    concat("'", printable(name), "' cannot be the name of a blob"));
    }
}

}  // namespace backup::backend
