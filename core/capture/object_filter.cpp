// SPDX-License-Identifier: Apache-2.0
#include "core/capture/object_filter.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <string_view>

namespace backup::capture {

namespace {

bool matches_any_glob(const std::vector<std::string>& patterns, std::string_view name) {
    return std::any_of(patterns.begin(), patterns.end(), [name](const std::string& pattern) {
        return matches_glob(pattern, name);
    });
}

bool is_about(const NamespaceFilter& filter, const ObjectFacts& object) {
    return object.key.ns.empty() ? filter.namespaces.empty()
                                 : matches_any_glob(filter.namespaces, object.key.ns);
}

bool names_kind(const KindFilter& filter, const model::ApiResource& resource) {
    return std::any_of(filter.kinds.begin(), filter.kinds.end(), [&](const std::string& word) {
        return model::names_resource(word, resource);
    });
}

const KindFilter* find_kind(const NamespaceFilter& filter, const model::ApiResource& resource) {
    const auto named =
        std::find_if(filter.kinds.begin(), filter.kinds.end(), [&resource](const KindFilter& kind) {
            return names_kind(kind, resource);
        });
    const auto found =
        named != filter.kinds.end()
            ? named
            : std::find_if(filter.kinds.begin(), filter.kinds.end(), [](const KindFilter& kind) {
                  return kind.kinds.empty();
              });
    return found == filter.kinds.end() ? nullptr : &*found;
}

bool passes_kind(const KindFilter& filter, const ObjectFacts& object) {
    const auto& selectors = filter.selectors;
    const bool is_selected =
        selectors.empty() ||
        std::any_of(selectors.begin(), selectors.end(), [&object](const auto& selector) {
            return model::matches(selector, object.labels);
        });
    return is_selected &&
           (filter.names.empty() || matches_any_glob(filter.names, object.key.name)) &&
           !matches_any_glob(filter.exclude_names, object.key.name);
}

}  // namespace

bool passes(const std::vector<NamespaceFilter>& filters,
            const model::ApiResource& resource,
            const ObjectFacts& object) {
    const auto found = std::find_if(filters.begin(), filters.end(), [&object](const auto& one) {
        return is_about(one, object);
    });
    if (found == filters.end()) {
        return true;
    }
    const auto* const kind = find_kind(*found, resource);
    return kind != nullptr ? passes_kind(*kind, object) : object.key.ns.empty();
}

}  // namespace backup::capture
