// SPDX-License-Identifier: Apache-2.0
#include "core/capture/decision.hpp"

#include "tests/support/catch.hpp"
#include "tests/unit/capture/make_object.hpp"

#include <functional>

using namespace backup;
using namespace backup::capture;
using backup::testing::make_facts;
using backup::testing::make_resource;
using model::SkipReason;

namespace {

Scope scope_of(const ScopeFlags& flags) {
    return make_scope(flags, "shop");
}

struct Row {
    std::string what;
    std::string resource;
    bool namespaced = true;
    std::function<void(ObjectFacts&)> object = [](ObjectFacts&) {};
    std::function<void(ScopeFlags&)> flags = [](ScopeFlags&) {};
    ObjectContext context = {};
    Verdict verdict = Verdict::In;
    std::string rule;
    SkipReason skip = SkipReason::None;
};

Decision decide_row(const Row& row) {
    auto facts = make_facts(row.resource, row.namespaced ? "shop" : "", "web");
    row.object(facts);
    ScopeFlags flags;
    row.flags(flags);
    return decide(facts, make_resource(row.resource, row.namespaced), row.context, scope_of(flags));
}

void all_namespaces(ScopeFlags& flags) {
    flags.all_namespaces = true;
}

void marked(ObjectFacts& object) {
    object.annotations["kubectl-backup/exclude"] = "true";
}

void terminating(ObjectFacts& object) {
    object.is_terminating = true;
}

const ObjectContext kRelated = {.is_related = true};

std::vector<Row> object_rows() {
    return {
        {.what = "plain object", .resource = "deployments.apps", .rule = "resource.in"},
        {.what = "our mark",
         .resource = "deployments.apps",
         .object = marked,
         .verdict = Verdict::Out,
         .rule = "mark",
         .skip = SkipReason::ExcludedByMark},
        {.what = "our mark as label",
         .resource = "deployments.apps",
         .object = [](ObjectFacts& o) { o.labels["kubectl-backup/exclude"] = "true"; },
         .verdict = Verdict::Out,
         .rule = "mark",
         .skip = SkipReason::ExcludedByMark},
        {.what = "the mark of Velero",
         .resource = "deployments.apps",
         .object = [](ObjectFacts& o) { o.labels["velero.io/exclude-from-backup"] = "true"; },
         .verdict = Verdict::Out,
         .rule = "mark",
         .skip = SkipReason::ExcludedByMark},
        {.what = "a mark that says false",
         .resource = "deployments.apps",
         .object = [](ObjectFacts& o) { o.labels["velero.io/exclude-from-backup"] = "false"; },
         .rule = "resource.in"},
        {.what = "a mark wins over being needed",
         .resource = "secrets",
         .object = marked,
         .context = kRelated,
         .verdict = Verdict::Out,
         .rule = "mark",
         .skip = SkipReason::ExcludedByMark},
        {.what = "another namespace",
         .resource = "secrets",
         .context = {.is_namespace_in = false},
         .verdict = Verdict::Out,
         .rule = "namespace.not-selected"},
        {.what = "another namespace, needed",
         .resource = "secrets",
         .context = {.is_namespace_in = false, .is_related = true},
         .verdict = Verdict::Out,
         .rule = "namespace.not-selected"},
        {.what = "excluded kind",
         .resource = "secrets",
         .flags = [](ScopeFlags& f) { f.exclude_resources = {"secret"}; },
         .verdict = Verdict::Out,
         .rule = "resource.excluded",
         .skip = SkipReason::ExcludedByUser},
        {.what = "exclude wins over include",
         .resource = "secrets",
         .flags =
             [](ScopeFlags& f) {
                 f.include_resources = {"secrets"};
                 f.exclude_resources = {"core"};
             },
         .verdict = Verdict::Out,
         .rule = "resource.excluded",
         .skip = SkipReason::ExcludedByUser},
        {.what = "not an included kind",
         .resource = "secrets",
         .flags = [](ScopeFlags& f) { f.include_resources = {"deploy,configmaps"}; },
         .verdict = Verdict::Out,
         .rule = "resource.not-included"},
        {.what = "events",
         .resource = "events",
         .verdict = Verdict::Out,
         .rule = "kind.default",
         .skip = SkipReason::NeverStored},
        {.what = "events, named",
         .resource = "events",
         .flags = [](ScopeFlags& f) { f.include_resources = {"events"}; },
         .rule = "resource.included"},
        {.what = "events, by pattern only",
         .resource = "events",
         .flags = [](ScopeFlags& f) { f.include_resources = {"*"}; },
         .verdict = Verdict::Out,
         .rule = "kind.default",
         .skip = SkipReason::NeverStored},
        {.what = "generated endpoints",
         .resource = "endpoints",
         .context = {.service_has_selector = true},
         .verdict = Verdict::Out,
         .rule = "kind.endpoints",
         .skip = SkipReason::NeverStored},
        {.what = "endpoints made by hand", .resource = "endpoints", .rule = "resource.in"},
        {.what = "terminating",
         .resource = "pods",
         .object = terminating,
         .verdict = Verdict::Out,
         .rule = "terminating",
         .skip = SkipReason::Terminating},
        {.what = "label matches",
         .resource = "pods",
         .object = [](ObjectFacts& o) { o.labels["app"] = "web"; },
         .flags =
             [](ScopeFlags& f) {
                 f.selectors = {"app=db", "app=web"};
             },
         .rule = "selector"},
        {.what = "label does not match",
         .resource = "pods",
         .flags = [](ScopeFlags& f) { f.selectors = {"app=web"}; },
         .verdict = Verdict::Out,
         .rule = "selector.label"},
        {.what = "label does not match, but needed",
         .resource = "pods",
         .flags = [](ScopeFlags& f) { f.selectors = {"app=web"}; },
         .context = kRelated,
         .verdict = Verdict::Related,
         .rule = "related"},
        {.what = "label and annotation must both match",
         .resource = "pods",
         .object = [](ObjectFacts& o) { o.labels["app"] = "web"; },
         .flags =
             [](ScopeFlags& f) {
                 f.selectors = {"app=web"};
                 f.annotated = true;
             },
         .verdict = Verdict::Out,
         .rule = "selector.annotation"},
        {.what = "annotated",
         .resource = "pods",
         .object = [](ObjectFacts& o) { o.annotations["kubectl-backup/include"] = "true"; },
         .flags = [](ScopeFlags& f) { f.annotated = true; },
         .rule = "selector"},
        {.what = "in an annotated namespace",
         .resource = "pods",
         .flags = [](ScopeFlags& f) { f.annotated = true; },
         .context = {.is_namespace_annotated = true},
         .rule = "namespace.annotated"},
        {.what = "an annotated namespace is not the same as a label",
         .resource = "pods",
         .flags =
             [](ScopeFlags& f) {
                 f.annotated = true;
                 f.selectors = {"app=web"};
             },
         .context = {.is_namespace_annotated = true},
         .verdict = Verdict::Out,
         .rule = "selector.label"},
        {.what = "a mark on what nobody asked for is not told",
         .resource = "pods",
         .object = marked,
         .flags = [](ScopeFlags& f) { f.selectors = {"app=web"}; },
         .verdict = Verdict::Out,
         .rule = "mark"},
        {.what = "cluster-scoped, one namespace asked for",
         .resource = "storageclasses.storage.k8s.io",
         .namespaced = false,
         .verdict = Verdict::Out,
         .rule = "cluster.unrelated"},
        {.what = "cluster-scoped, needed",
         .resource = "storageclasses.storage.k8s.io",
         .namespaced = false,
         .context = kRelated,
         .verdict = Verdict::Related,
         .rule = "related"},
        {.what = "cluster-scoped, whole cluster asked for",
         .resource = "storageclasses.storage.k8s.io",
         .namespaced = false,
         .flags = all_namespaces,
         .rule = "cluster.auto"},
        {.what = "cluster-scoped, named",
         .resource = "storageclasses.storage.k8s.io",
         .namespaced = false,
         .flags = [](ScopeFlags& f) { f.include_resources = {"storageclasses"}; },
         .rule = "cluster.auto"},
        {.what = "cluster-scoped, all asked for",
         .resource = "storageclasses.storage.k8s.io",
         .namespaced = false,
         .flags = [](ScopeFlags& f) { f.cluster_resources = "all"; },
         .rule = "cluster.all"},
        {.what = "cluster-scoped, none asked for",
         .resource = "storageclasses.storage.k8s.io",
         .namespaced = false,
         .flags = [](ScopeFlags& f) { f.cluster_resources = "none"; },
         .context = kRelated,
         .verdict = Verdict::Out,
         .rule = "cluster.none",
         .skip = SkipReason::ExcludedByUser},
        {.what = "the Namespace object stays even then",
         .resource = "namespaces",
         .namespaced = false,
         .flags = [](ScopeFlags& f) { f.cluster_resources = "none"; },
         .context = kRelated,
         .verdict = Verdict::Related,
         .rule = "related"},
    };
}

}  // namespace

TEST_CASE("every object has one verdict and the rule that gave it", "[decision]") {
    for (const auto& row : object_rows()) {
        CAPTURE(row.what);
        const Decision decision = decide_row(row);
        CHECK(decision.verdict == row.verdict);
        CHECK(decision.rule == row.rule);
        CHECK(decision.skip == row.skip);
    }
}

TEST_CASE("a kind that cannot be listed is skipped with that reason", "[decision]") {
    auto resource = make_resource("bindings");
    resource.verbs = {"create", "get"};
    const auto decision = decide_resource(resource, scope_of({}));
    CHECK(decision.is_out());
    CHECK(decision.skip == SkipReason::NotListable);
}

TEST_CASE("namespaces are chosen by name, pattern, label and annotation", "[decision]") {
    auto ns = make_facts("namespaces", "", "shop-eu");
    ns.labels = {{"env", "prod"}};
    ns.annotations = {{"owner", "ops"}};
    ScopeFlags flags;
    std::string rule = "namespace.selected";
    SkipReason skip = SkipReason::None;

    SECTION("by name") {
        flags.namespaces = {"other,shop-eu"};
    }
    SECTION("by pattern") {
        flags.namespaces = {"shop-*"};
    }
    SECTION("another name") {
        flags.namespaces = {"shop"};
        rule = "namespace.not-selected";
    }
    SECTION("exclude wins") {
        flags.namespaces = {"shop-eu"};
        flags.exclude_namespaces = {"*-eu"};
        rule = "namespace.excluded";
        skip = SkipReason::ExcludedByUser;
    }
    SECTION("by label") {
        flags.namespace_selectors = {"env=dev", "env in (prod)"};
    }
    SECTION("by another label") {
        flags.namespace_selectors = {"env=dev"};
        rule = "namespace.not-selected";
    }
    SECTION("by annotation") {
        flags.namespace_annotations = {"owner=ops"};
    }
    SECTION("name and label must both match") {
        flags.namespaces = {"shop-*"};
        flags.namespace_annotations = {"owner=dev"};
        rule = "namespace.not-selected";
    }
    SECTION("marked") {
        flags.namespaces = {"shop-eu"};
        marked(ns);
        rule = "mark";
        skip = SkipReason::ExcludedByMark;
    }
    SECTION("terminating") {
        flags.all_namespaces = true;
        terminating(ns);
        rule = "terminating";
        skip = SkipReason::Terminating;
    }
    const auto decision = decide_namespace(ns, scope_of(flags));
    CHECK(decision.rule == rule);
    CHECK(decision.skip == skip);
    CHECK(decision.is_out() == (rule != "namespace.selected"));
}

TEST_CASE("namespaces of the control plane are stored only when named", "[decision]") {
    const auto ns = make_facts("namespaces", "", "kube-system");
    ScopeFlags flags;
    flags.all_namespaces = true;
    CHECK(decide_namespace(ns, scope_of(flags)).rule == "namespace.system");
    flags.all_namespaces = false;
    flags.namespaces = {"kube-*"};
    CHECK(decide_namespace(ns, scope_of(flags)).rule == "namespace.selected");
}
