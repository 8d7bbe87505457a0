// SPDX-License-Identifier: Apache-2.0
// Every combination of what the rules look at, against the order of docs/scope.md written down a
// second time, as a list.
#include "core/base/text.hpp"
#include "core/capture/decision.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/capture/make_object.hpp"

#include <set>
#include <vector>

using namespace backup;
using namespace backup::capture;
using backup::testing::make_facts;
using backup::testing::make_resource;
using model::SkipReason;

namespace {

enum class Mark { None, Ours, Velero, VeleroOverruled, VeleroIncluded };
enum class Words { None, Names, NamesAnother, Excludes, NamesAndExcludes, NamesGroup };
enum class Labels { NotAsked, Match, Differ };
enum class Annotations { NotAsked, Match, Differ, OnNamespace };

/// One combination.
struct Case {
    Mark mark = Mark::None;
    Words words = Words::None;
    Labels labels = Labels::NotAsked;
    Annotations annotations = Annotations::NotAsked;
    ClusterResources cluster = ClusterResources::Auto;
    bool is_all_namespaces = false;
    bool is_namespaced = true;
    bool is_never_stored = false;
    bool is_namespace_in = true;
    bool is_related = false;
    bool is_terminating = false;
    bool is_filtered = false;  // by a filter of the policy
};

bool is_narrow(const Case& c) {
    return (c.is_filtered && c.is_namespaced) || c.labels != Labels::NotAsked ||
           c.annotations != Annotations::NotAsked;
}

bool is_marked(const Case& c) {
    return c.mark == Mark::Ours || c.mark == Mark::Velero;
}

bool is_named(const Case& c) {
    return c.words == Words::Names || c.words == Words::NamesAndExcludes;
}

bool is_excluded(const Case& c) {
    return c.words == Words::Excludes || c.words == Words::NamesAndExcludes;
}

bool is_whole_cluster(const Case& c) {
    return c.is_all_namespaces && !is_narrow(c) &&
           (c.words == Words::None || c.words == Words::Excludes);
}

/// Cluster-scoped and not asked for by itself.
bool is_only_when_needed(const Case& c) {
    const bool are_marks_wanted = c.is_all_namespaces && c.annotations != Annotations::NotAsked;
    return !c.is_namespaced && c.cluster == ClusterResources::Auto && !is_named(c) &&
           !is_whole_cluster(c) && !are_marks_wanted;
}

std::string_view rule_of_kind(const Case& c) {
    if (c.is_namespaced) {
        return c.words == Words::None || c.words == Words::Excludes ? "resource.in"
                                                                    : "resource.included";
    }
    return c.cluster == ClusterResources::All ? "cluster.all" : "cluster.auto";
}

std::string_view rule_of_stored(const Case& c) {
    if (c.is_related) {
        return "related";
    }
    if (!is_narrow(c)) {
        return rule_of_kind(c);
    }
    return c.annotations == Annotations::OnNamespace ? "namespace.annotated" : "selector";
}

struct Expected {
    Verdict verdict = Verdict::Out;
    std::string_view rule;
    SkipReason skip = SkipReason::None;
};

Expected expected_unmarked(const Case& c) {
    struct Step {
        bool applies;
        std::string_view rule;
        SkipReason skip = SkipReason::None;
    };

    const std::vector<Step> steps = {
        {c.is_namespaced && !c.is_namespace_in, "namespace.not-selected"},
        {is_excluded(c), "resource.excluded", SkipReason::ExcludedByUser},
        {c.words == Words::NamesAnother, "resource.not-included"},
        {c.is_never_stored && !is_named(c), "kind.default", SkipReason::NeverStored},
        {!c.is_namespaced && c.cluster == ClusterResources::None,
         "cluster.none",
         SkipReason::ExcludedByUser},
        {is_only_when_needed(c) && !c.is_related, "cluster.unrelated"},
        {c.labels == Labels::Differ && !c.is_related, "selector.label"},
        {c.is_filtered && !c.is_related, "filter"},
        {c.annotations == Annotations::Differ && !c.is_related, "selector.annotation"},
        {c.is_terminating, "terminating", SkipReason::Terminating},
    };
    for (const auto& step : steps) {
        if (step.applies) {
            return {Verdict::Out, step.rule, step.skip};
        }
    }
    return {c.is_related ? Verdict::Related : Verdict::In, rule_of_stored(c), SkipReason::None};
}

Expected expected(const Case& c) {
    const auto unmarked = expected_unmarked(c);
    if (!is_marked(c)) {
        return unmarked;
    }
    const bool is_asked_for = unmarked.verdict != Verdict::Out || unmarked.skip != SkipReason::None;
    return {Verdict::Out, "mark", is_asked_for ? SkipReason::ExcludedByMark : SkipReason::None};
}

std::string_view resource_of(const Case& c) {
    if (c.is_namespaced) {
        return c.is_never_stored ? "leases.coordination.k8s.io" : "carts.example.com";
    }
    return c.is_never_stored ? "csinodes.storage.k8s.io" : "zones.example.com";
}

Scope scope_of(const Case& c) {
    ScopeFlags flags;
    flags.all_namespaces = c.is_all_namespaces;
    const std::string name(resource_of(c));
    if (is_named(c)) {
        flags.include_resources = {name};
    } else if (c.words == Words::NamesAnother) {
        flags.include_resources = {"secrets"};
    } else if (c.words == Words::NamesGroup) {
        flags.include_resources = {name.substr(name.find('.') + 1)};
    }
    if (is_excluded(c)) {
        flags.exclude_resources = {name};
    }
    if (c.labels != Labels::NotAsked) {
        flags.selectors = {"app=db", "app=web"};
    }
    if (c.annotations != Annotations::NotAsked) {
        flags.annotations = {"owner", "team=red"};
    }
    constexpr std::string_view words[] = {"auto", "all", "none"};
    flags.cluster_resources = words[static_cast<std::size_t>(c.cluster)];
    Scope scope = make_scope(flags, "shop");
    if (c.is_filtered) {
        KindFilter filter;
        filter.kinds = {name};
        filter.names = {"another"};
        scope.filters = {
            {c.is_namespaced ? std::vector<std::string>{"shop"} : std::vector<std::string>{},
             {filter}}};
    }
    return scope;
}

Decision decide_case(const Case& c) {
    auto facts = make_facts(resource_of(c), c.is_namespaced ? "shop" : "", "web");
    facts.labels["app"] = c.labels == Labels::Match ? "web" : "cache";
    if (c.annotations == Annotations::Match) {
        facts.annotations["team"] = "red";
    }
    if (c.mark == Mark::Ours) {
        facts.annotations["kubectl-backup/exclude"] = "true";
    } else if (c.mark != Mark::None) {
        facts.labels["velero.io/exclude-from-backup"] = "true";
    }
    if (c.mark == Mark::VeleroOverruled) {
        facts.annotations["kubectl-backup/exclude"] = "false";
    } else if (c.mark == Mark::VeleroIncluded) {
        facts.annotations["kubectl-backup/include"] = "true";
    }
    facts.is_terminating = c.is_terminating;
    ObjectContext context;
    context.is_namespace_in = c.is_namespace_in;
    context.is_related = c.is_related;
    context.is_namespace_annotated = c.annotations == Annotations::OnNamespace;
    return decide(facts, make_resource(resource_of(c), c.is_namespaced), context, scope_of(c));
}

/// Sets one member of all cases to each of `values`.
template <typename Value>
std::vector<Case> vary(const std::vector<Case>& cases,
                       Value Case::*member,
                       const std::vector<Value>& values) {
    std::vector<Case> varied;
    for (const auto& one : cases) {
        for (const auto& value : values) {
            varied.push_back(one);
            varied.back().*member = value;
        }
    }
    return varied;
}

std::vector<Case> all_cases() {
    const std::vector<bool> both = {false, true};
    std::vector<Case> cases(1);
    cases =
        vary(cases,
             &Case::mark,
             {Mark::None, Mark::Ours, Mark::Velero, Mark::VeleroOverruled, Mark::VeleroIncluded});
    cases = vary(cases,
                 &Case::words,
                 {Words::None,
                  Words::Names,
                  Words::NamesAnother,
                  Words::Excludes,
                  Words::NamesAndExcludes,
                  Words::NamesGroup});
    cases = vary(cases, &Case::labels, {Labels::NotAsked, Labels::Match, Labels::Differ});
    cases = vary(
        cases,
        &Case::annotations,
        {Annotations::NotAsked, Annotations::Match, Annotations::Differ, Annotations::OnNamespace});
    cases = vary(cases,
                 &Case::cluster,
                 {ClusterResources::Auto, ClusterResources::All, ClusterResources::None});
    for (bool Case::*member : {&Case::is_all_namespaces,
                               &Case::is_namespaced,
                               &Case::is_never_stored,
                               &Case::is_namespace_in,
                               &Case::is_related,
                               &Case::is_terminating,
                               &Case::is_filtered}) {
        cases = vary(cases, member, both);
    }
    return cases;
}

std::string describe(const Case& c) {
    return concat("mark ",
                  static_cast<int>(c.mark),
                  ", words ",
                  static_cast<int>(c.words),
                  ", labels ",
                  static_cast<int>(c.labels),
                  ", annotations ",
                  static_cast<int>(c.annotations),
                  ", cluster ",
                  static_cast<int>(c.cluster),
                  c.is_all_namespaces ? ", -A" : "",
                  c.is_namespaced ? "" : ", cluster-scoped",
                  c.is_never_stored ? ", never stored" : "",
                  c.is_namespace_in ? "" : ", namespace out",
                  c.is_related ? ", related" : "",
                  c.is_terminating ? ", terminating" : "",
                  c.is_filtered ? ", filtered" : "");
}

}  // namespace

TEST_CASE("each combination has the verdict that the order of the rules gives", "[decision]") {
    std::set<std::string_view> rules;
    std::size_t wrong = 0;
    const auto cases = all_cases();
    CHECK(cases.size() == 5 * 6 * 3 * 4 * 3 * 128);
    for (const auto& c : cases) {
        const auto decision = decide_case(c);
        const auto wanted = expected(c);
        rules.insert(decision.rule);
        if (decision.verdict == wanted.verdict && decision.rule == wanted.rule &&
            decision.skip == wanted.skip) {
            continue;
        }
        if (++wrong <= 10) {
            UNSCOPED_INFO(describe(c) << ": got " << decision.rule << ", wanted " << wanted.rule);
        }
    }
    CHECK(wrong == 0);
    CHECK(rules.size() == 18);
}

TEST_CASE("every rule has a text", "[decision]") {
    for (const auto rule : list_rules()) {
        CHECK(describe_rule(rule) != rule);
    }
    CHECK(describe_rule("of a later version") == "of a later version");
}

TEST_CASE("contradicting marks are told, and which one holds", "[decision]") {
    auto object = make_facts("pods", "shop", "web");
    CHECK(find_mark_conflicts(object).empty());
    object.annotations["kubectl-backup/exclude"] = "true";
    CHECK(find_mark_conflicts(object).empty());

    SECTION("exclude and include") {
        object.annotations["kubectl-backup/include"] = "true";
        REQUIRE(find_mark_conflicts(object).size() == 1);
        CHECK(find_exclude_mark(object) == "kubectl-backup/exclude");
    }
    SECTION("annotation and label") {
        object.labels["kubectl-backup/exclude"] = "false";
        REQUIRE(find_mark_conflicts(object).size() == 1);
        CHECK(find_exclude_mark(object) == "kubectl-backup/exclude");
    }
    SECTION("ours goes before Velero's") {
        object.annotations["kubectl-backup/exclude"] = "false";
        object.labels["velero.io/exclude-from-backup"] = "true";
        const auto conflicts = find_mark_conflicts(object);
        REQUIRE(conflicts.size() == 1);
        CHECK(conflicts.front() ==
              "pods/shop/web has velero.io/exclude-from-backup=true, but "
              "kubectl-backup/exclude=false, which holds: it is stored");
        CHECK(find_exclude_mark(object).empty());
    }
    SECTION("both say the same") {
        object.labels["velero.io/exclude-from-backup"] = "true";
        CHECK(find_mark_conflicts(object).empty());
    }
    SECTION("a value nobody knows") {
        object.annotations["kubectl-backup/exclude"] = "yes";
        const auto conflicts = find_mark_conflicts(object);
        REQUIRE(conflicts.size() == 1);
        CHECK(conflicts.front().find("neither true nor false") != std::string::npos);
        CHECK(find_exclude_mark(object).empty());
    }
}
