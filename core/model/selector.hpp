// SPDX-License-Identifier: Apache-2.0
// Which objects and kinds a person means: label selectors with the whole grammar of kubectl,
// matched here as the API server matches them; annotations; kinds by any of their names. Plain
// values.
#pragma once

#include "core/model/api_resource.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace backup::model {

/// Labels or annotations of one object.
using Labels = std::map<std::string, std::string, std::less<>>;

enum class LabelOperator { In, NotIn, Exists, DoesNotExist, GreaterThan, LessThan };

struct LabelRequirement {
    std::string key;
    LabelOperator op = LabelOperator::Exists;
    std::vector<std::string> values;  // sorted; `a=b` is In with one value
    bool operator==(const LabelRequirement&) const = default;
};

/// All requirements must hold; none: everything matches.
struct LabelSelector {
    std::vector<LabelRequirement> requirements;
    bool operator==(const LabelSelector&) const = default;
};

/// `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>5`. Throws InvalidArgument saying what was expected.
/// Source: k8s.io/apimachinery pkg/labels.
LabelSelector parse_label_selector(std::string_view text);

/// A text that parses to the same selector and that every API server takes.
std::string format_label_selector(const LabelSelector& selector);

/// As the API server decides: NotIn holds for an object without the key, a number comparison only
/// for one whose value is a decimal integer.
bool matches(const LabelSelector& selector, const Labels& labels);

struct AnnotationSelector {
    std::string key;
    std::optional<std::string> value;  // empty: any
    bool operator==(const AnnotationSelector&) const = default;
};

/// `K` or `K=V`; a value may hold anything. Throws InvalidArgument when K is no annotation key.
AnnotationSelector parse_annotation_selector(std::string_view text);

bool matches(const AnnotationSelector& selector, const Labels& annotations);

/// Whether a word means this kind: plural, singular, kind or short name, each also with its group
/// ("deploy", "deployments.apps", "Deployment.apps"); a group ("networking.k8s.io", "core"); or a
/// pattern on the full name ("*.cert-manager.io"). Letters of any case.
bool names_resource(std::string_view word, const ApiResource& resource);

/// `[prefix/]name` as the API server accepts it for labels and annotations.
bool is_qualified_name(std::string_view key);

}  // namespace backup::model
