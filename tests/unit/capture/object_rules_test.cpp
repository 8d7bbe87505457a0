// SPDX-License-Identifier: Apache-2.0
#include "core/capture/object_rules.hpp"

#include "core/base/text.hpp"
#include "core/capture/decision.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

using namespace backup;
using namespace backup::capture;
using backup::testing::error_code_of;
using model::ObjectKey;

namespace {

const ObjectKey kPod{"pods", "shop", "web-1"};
const ObjectKey kSecret{"secrets", "shop", "door"};
const ObjectKey kAccount{"serviceaccounts", "shop", "web"};
const ObjectKey kBinding{"clusterrolebindings.rbac.authorization.k8s.io", "", "web"};

Decision in(std::string_view rule) {
    return {Verdict::In, rule};
}

Decision marked() {
    return {Verdict::Out, "mark", model::SkipReason::ExcludedByMark, "kubectl-backup/exclude"};
}

ObjectRules example() {
    ObjectRules rules;
    rules.note_stored(kPod, in("selector"));
    rules.note_related(kSecret, {kPod, "spec.volumes"});
    rules.note_related(kAccount, {kPod, "spec.serviceAccountName"});
    rules.note_related(kBinding, {kAccount, "binds it"});
    rules.note_out({"configmaps", "shop", "old"}, marked());
    return rules;
}

}  // namespace

TEST_CASE("the chain leads from an object to one that was taken for itself", "[object_rules]") {
    const auto rules = example();
    CHECK(rules.chain(kPod).empty());
    const auto chain = rules.chain(kBinding);
    REQUIRE(chain.size() == 2);
    CHECK(chain[0] == Edge{kAccount, "binds it"});
    CHECK(chain[1] == Edge{kPod, "spec.serviceAccountName"});
}

TEST_CASE("a circle of edges ends", "[object_rules]") {
    ObjectRules rules;
    rules.note_related(kPod, {kSecret, "a"});
    rules.note_related(kSecret, {kAccount, "b"});
    rules.note_related(kAccount, {kPod, "c"});
    CHECK(rules.chain(kPod).size() == 2);
    rules.note_related(kBinding, {kBinding, "itself"});
    CHECK(rules.chain(kBinding).empty());
}

TEST_CASE("the first edge of an object is kept", "[object_rules]") {
    auto rules = example();
    rules.note_related(kSecret, {kAccount, "secrets"});
    CHECK(rules.find_edge(kSecret)->from == kPod);
}

TEST_CASE("rules of a namespace come back from their JSON", "[object_rules]") {
    const auto rules = example();
    for (const auto& [ns, resources] : rules.by_namespace()) {
        CHECK(rules_from_json(parse_json(format_json(to_json(resources)))) == resources);
    }
    CHECK(
        format_json(to_json(rules.by_namespace().at("shop"))) ==
        R"({"configmaps":{"out":{"mark":{"count":1,"message":"kubectl-backup/exclude",)"
        R"("names":["old"]}}},"pods":{"rule":"selector"},"secrets":{"related":{"door":)"
        R"({"from":{"resource":"pods","namespace":"shop","name":"web-1"},"why":"spec.volumes"}}},)"
        R"("serviceaccounts":{"related":{"web":{"from":{"resource":"pods","namespace":"shop",)"
        R"("name":"web-1"},"why":"spec.serviceAccountName"}}}})");
}

TEST_CASE("what no program of ours wrote is corrupt", "[object_rules]") {
    for (const auto* const text : {"[]",
                                   "3",
                                   R"({"pods":{"related":[]}})",
                                   R"({"pods":{"out":7}})",
                                   R"({"pods":{"out":{"mark":{"names":[1]}}}})"}) {
        CAPTURE(text);
        CHECK(error_code_of([&] { return rules_from_json(parse_json(text)); }) ==
              ErrorCode::CorruptData);
    }
    CHECK(rules_from_json(parse_json(R"({"pods":{"later":1,"out":{"mark":{"count":-5}}}})"))
              .at("pods")
              .out.at("mark")
              .count == 0);
}

TEST_CASE("rules stay small: names are kept up to a number, all are counted", "[object_rules]") {
    ObjectRules rules;
    constexpr std::size_t kMany = 3 * OutObjects::kMostNames;
    for (std::size_t i = 0; i < kMany; ++i) {
        ObjectRules one;
        one.note_out({"configmaps", "shop", concat("c", i)}, marked());
        one.note_stored({"secrets", "shop", concat("s", i)}, in("resource.in"));
        rules.merge(std::move(one));
    }
    const auto& shop = rules.by_namespace().at("shop");
    CHECK(shop.at("configmaps").out.at("mark").count == kMany);
    CHECK(shop.at("configmaps").out.at("mark").names.size() == OutObjects::kMostNames);
    CHECK(shop.at("secrets") == ResourceRules{"resource.in", {}, {}});
}

TEST_CASE("what was not asked for leaves nothing", "[object_rules]") {
    ObjectRules rules;
    rules.note_out(kPod, {Verdict::Out, "selector.label"});
    CHECK(rules.by_namespace().empty());
}
