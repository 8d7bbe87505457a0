// SPDX-License-Identifier: Apache-2.0
#include "core/capture/scope.hpp"

#include "core/base/closest_match.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <array>

namespace backup::capture {

namespace {

constexpr std::string_view kInclude = "kubectl-backup/include=true";

/// Comma separated words of a repeatable flag, each once.
std::vector<std::string> words_of(const std::vector<std::string>& values, std::string_view flag) {
    std::vector<std::string> words;
    for (const auto& value : values) {
        for (const auto& part : split(value, ',')) {
            const std::string word(trim(part));
            if (word.empty()) {
                throw Error(ErrorCode::Usage, concat(flag, " has an empty value"));
            }
            if (std::find(words.begin(), words.end(), word) == words.end()) {
                words.push_back(word);
            }
        }
    }
    return words;
}

bool is_namespace_pattern(std::string_view word) {
    const auto is_allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               std::string_view("-*?[]!^").find(c) != std::string_view::npos;
    };
    return std::all_of(word.begin(), word.end(), is_allowed);
}

std::vector<std::string> namespace_words(const std::vector<std::string>& values,
                                         std::string_view flag) {
    auto words = words_of(values, flag);
    for (const auto& word : words) {
        if (!is_namespace_pattern(word)) {
            throw Error(ErrorCode::InvalidArgument,
                        concat(flag, ": '", printable(word), "' is no namespace"))
                .hint("a name in small letters, or a pattern of *, ? and [abc]");
        }
    }
    return words;
}

std::vector<model::LabelSelector> label_selectors(const std::vector<std::string>& values,
                                                  std::string_view flag) {
    std::vector<model::LabelSelector> selectors;
    for (const auto& value : values) {
        with_context([flag] { return std::string(flag); },
                     [&] { selectors.push_back(model::parse_label_selector(value)); });
        if (selectors.back().requirements.empty()) {
            throw Error(ErrorCode::Usage, concat(flag, " has an empty value"));
        }
    }
    return selectors;
}

std::vector<model::AnnotationSelector> annotation_selectors(const std::vector<std::string>& values,
                                                            std::string_view flag) {
    std::vector<model::AnnotationSelector> selectors;
    for (const auto& value : values) {
        with_context([flag] { return std::string(flag); },
                     [&] { selectors.push_back(model::parse_annotation_selector(value)); });
    }
    return selectors;
}

template <typename Value, std::size_t Count>
using Choices = std::array<std::pair<std::string_view, Value>, Count>;

constexpr Choices<ClusterResources, 3> kClusterResources = {{{"auto", ClusterResources::Auto},
                                                             {"all", ClusterResources::All},
                                                             {"none", ClusterResources::None}}};

constexpr Choices<VolumeMode, 5> kVolumeModes = {{{"auto", VolumeMode::Auto},
                                                  {"snapshot", VolumeMode::Snapshot},
                                                  {"clone", VolumeMode::Clone},
                                                  {"live", VolumeMode::Live},
                                                  {"none", VolumeMode::None}}};

/// No word at all is the first choice.
template <typename Value, std::size_t Count>
Value choose(const Choices<Value, Count>& choices, std::string_view flag, std::string_view word) {
    std::vector<std::string> known;
    if (word.empty()) {
        return choices.front().second;
    }
    for (const auto& [name, value] : choices) {
        if (name == word) {
            return value;
        }
        known.emplace_back(name);
    }
    throw Error(ErrorCode::Usage, concat(flag, ": unknown value '", printable(word), "'"))
        .hint(concat("one of ", join(known, ", ")));
}

template <typename Value, std::size_t Count>
std::string name_of(const Choices<Value, Count>& choices, Value value) {
    const auto found = std::find_if(choices.begin(), choices.end(), [value](const auto& choice) {
        return choice.second == value;
    });
    return std::string(found == choices.end() ? "" : found->first);
}

bool is_pattern(std::string_view word) {
    return word.find_first_of("*?[") != std::string_view::npos;
}

Json texts(const std::vector<std::string>& values) {
    Json result = Json::array();
    for (const auto& value : values) {
        result.push_back(value);
    }
    return result;
}

Json texts(const std::vector<model::LabelSelector>& selectors) {
    Json result = Json::array();
    for (const auto& selector : selectors) {
        result.push_back(model::format_label_selector(selector));
    }
    return result;
}

Json texts(const std::vector<model::AnnotationSelector>& selectors) {
    Json result = Json::array();
    for (const auto& selector : selectors) {
        result.push_back(selector.value ? selector.key + "=" + *selector.value : selector.key);
    }
    return result;
}

}  // namespace

bool Scope::spans_cluster() const {
    return all_namespaces || !namespace_selectors.empty() || !namespace_annotations.empty() ||
           std::any_of(namespaces.begin(), namespaces.end(), is_pattern);
}

bool Scope::is_narrow() const {
    return !selectors.empty() || !annotations.empty() ||
           std::any_of(filters.begin(), filters.end(), [](const NamespaceFilter& filter) {
               return !filter.namespaces.empty();
           });
}

bool Scope::is_whole_cluster() const {
    return all_namespaces && namespace_selectors.empty() && namespace_annotations.empty() &&
           !is_narrow() && include_resources.empty();
}

Scope make_scope(const ScopeFlags& flags, std::string_view default_namespace) {
    Scope scope;
    scope.namespaces = namespace_words(flags.namespaces, "--namespace");
    scope.all_namespaces = flags.all_namespaces;
    scope.exclude_namespaces = namespace_words(flags.exclude_namespaces, "--exclude-namespace");
    scope.namespace_selectors = label_selectors(flags.namespace_selectors, "--namespace-selector");
    scope.namespace_annotations =
        annotation_selectors(flags.namespace_annotations, "--namespace-annotation");
    scope.selectors = label_selectors(flags.selectors, "--selector");
    scope.annotations = annotation_selectors(flags.annotations, "--annotation");
    if (flags.annotated) {
        scope.annotations.push_back(model::parse_annotation_selector(kInclude));
    }
    scope.include_resources = words_of(flags.include_resources, "--include-resource");
    scope.exclude_resources = words_of(flags.exclude_resources, "--exclude-resource");
    scope.cluster_resources =
        choose(kClusterResources, "--cluster-resources", flags.cluster_resources);
    scope.volumes = choose(kVolumeModes, "--volumes", flags.volumes);

    if (std::find(scope.namespaces.begin(), scope.namespaces.end(), "*") !=
        scope.namespaces.end()) {
        scope.all_namespaces = true;
        scope.namespaces.clear();
    }
    if (scope.all_namespaces && !scope.namespaces.empty()) {
        throw Error(ErrorCode::Usage, "--all-namespaces and --namespace exclude each other");
    }
    if (scope.namespaces.empty() && !scope.spans_cluster()) {
        if (scope.exclude_namespaces.empty()) {
            scope.namespaces.emplace_back(default_namespace);
        } else {
            scope.all_namespaces = true;
        }
    }
    return scope;
}

std::string describe_scope(const Scope& scope) {
    if (scope.namespaces.empty()) {
        return scope.is_whole_cluster() && scope.exclude_namespaces.empty() ? "all" : "selected";
    }
    if (std::any_of(scope.namespaces.begin(), scope.namespaces.end(), is_pattern)) {
        return "selected";
    }
    if (scope.namespaces.size() > 2) {
        return concat(scope.namespaces.size(), "-namespaces");
    }
    return join(scope.namespaces, "-");
}

Json to_json(const Scope& scope) {
    Json json = Json::object();
    const auto add = [&json](std::string_view name, Json values) {
        if (!values.items().empty()) {
            json[name] = std::move(values);
        }
    };
    add("namespaces", texts(scope.namespaces));
    if (scope.all_namespaces) {
        json["allNamespaces"] = true;
    }
    add("excludeNamespaces", texts(scope.exclude_namespaces));
    add("namespaceSelectors", texts(scope.namespace_selectors));
    add("namespaceAnnotations", texts(scope.namespace_annotations));
    add("selectors", texts(scope.selectors));
    add("annotations", texts(scope.annotations));
    add("includeResources", texts(scope.include_resources));
    add("excludeResources", texts(scope.exclude_resources));
    if (!scope.filters.empty()) {
        json["filters"] = static_cast<std::uint64_t>(scope.filters.size());
    }
    if (scope.cluster_resources != ClusterResources::Auto) {
        json["clusterResources"] = name_of(kClusterResources, scope.cluster_resources);
    }
    if (scope.volumes != VolumeMode::Auto) {
        json["volumes"] = name_of(kVolumeModes, scope.volumes);
    }
    return json;
}

}  // namespace backup::capture
