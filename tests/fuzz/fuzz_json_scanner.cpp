// SPDX-License-Identifier: Apache-2.0
// The scanner that cuts JSON without building a value: what it takes, a strict parser must see the
// same way.
#include "core/base/error.hpp"
#include "core/base/json.hpp"
#include "core/model/json_scanner.hpp"

#include <cstdint>
#include <cstdlib>
#include <map>
#include <vector>

using namespace backup;

namespace {

template <typename Action>
void may_refuse(Action action) {
    try {
        action();
    } catch (const Error& error) {
        if (error.code() != ErrorCode::InvalidArgument) {
            std::abort();
        }
    }
}

void expect(bool is_true) {
    if (!is_true) {
        std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto document = find_json(text);
    may_refuse([&] {
        std::map<std::string, std::string_view> members;
        std::size_t count = 0;
        model::for_each_member(text, [&](std::string_view name, std::string_view value) {
            members[std::string(name)] = value;
            ++count;
        });
        // A name that comes twice: the parser has its own rule for that.
        if (document && document->is_object() && members.size() == count) {
            for (const auto& [name, value] : members) {
                const auto* member = document->find(name);
                expect(member != nullptr && parse_json(value) == *member);
            }
        }
    });
    may_refuse([&] {
        std::vector<std::string_view> items;
        model::for_each_item(text, [&items](std::string_view item) { items.push_back(item); });
        if (document) {
            expect(document->is_array() && document->items().size() == items.size());
        }
        for (std::size_t i = 0; document && i < items.size(); ++i) {
            expect(parse_json(items[i]) == document->items()[i]);
        }
    });
    may_refuse([&] {
        const auto decoded = model::decode_string(text);
        if (document && document->is_string()) {
            expect(document->string() == decoded);
        }
    });
    return 0;
}
