// SPDX-License-Identifier: Apache-2.0
// Why objects are in a point or not: extra/rules.json, as text.
#include "core/base/error.hpp"
#include "core/capture/object_rules.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace backup;
    try {
        const auto json = parse_json({reinterpret_cast<const char*>(data), size});
        const auto rules = capture::rules_from_json(json);
        if (capture::rules_from_json(capture::to_json(rules)) != rules) {
            std::abort();
        }
        // What was read must be of use: the way to every object, also where it goes in a circle.
        capture::ObjectRules all;
        all.add("shop", rules);
        for (const auto& [resource, one] : rules) {
            for (const auto& [name, edge] : one.related) {
                const model::ObjectKey key{resource, "shop", name};
                if (all.find_edge(key) == nullptr || all.chain(key).size() > size) {
                    std::abort();
                }
            }
        }
    } catch (const Error& error) {
        const bool is_expected =
            error.code() == ErrorCode::InvalidArgument || error.code() == ErrorCode::CorruptData;
        // A message is for a terminal, and what is hostile in it must not fill it.
        const std::string_view text = error.what();
        if (!is_expected || text.size() > 4096 || text.find('\x1b') != text.npos) {
            std::abort();
        }
    }
    return 0;
}
