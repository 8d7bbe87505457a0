// SPDX-License-Identifier: Apache-2.0
#include "core/capture/object_taker.hpp"

#include "core/capture/decision.hpp"
#include "core/capture/references.hpp"
#include "core/repository/tree_names.hpp"

#include <utility>

namespace backup::capture {

namespace {

constexpr std::string_view kClaims = "persistentvolumeclaims";

std::string place_of(const model::ObjectKey& key) {
    return key.ns + "/" + key.name;
}

void note_service(const model::Object& service, Findings& findings) {
    const auto* selector = service.json().find_path({"spec", "selector"});
    if (selector != nullptr && selector->is_object() && !selector->members().empty()) {
        findings.selecting_services.insert(place_of(service.key()));
    }
}

void note_skipped(const ObjectFacts& facts, const Decision& decision, Findings& findings) {
    if (decision.skip == model::SkipReason::None) {
        return;
    }
    findings.add_skipped(facts.key, decision.skip, decision.message);
    if (facts.key.resource == kClaims) {
        model::VolumeRecord record;
        record.name_space = facts.key.ns;
        record.claim = facts.key.name;
        record.outcome = model::Outcome::Skipped;
        record.reason = decision.skip;
        record.message = decision.message;
        findings.skipped_claims.push_back(std::move(record));
    }
}

}  // namespace

bool ObjectTaker::wants_references() const {
    return scope_.is_narrow() ||
           (scope_.cluster_resources == ClusterResources::Auto && !scope_.is_whole_cluster());
}

void ObjectTaker::note_references(const model::Object& object, Findings& findings) const {
    const auto& key = object.key();
    if (!wants_references() || !has_references(key.resource)) {
        return;
    }
    for (auto& reference : references_of(key.resource, key.ns, object.json())) {
        if (reference.ns.empty() || scope_.is_narrow()) {
            findings.wanted.insert(std::move(reference));
        }
    }
}

bool ObjectTaker::take(const model::ApiResource& resource,
                       const model::Object& object,
                       Asked asked,
                       ObjectSink& sink,
                       Findings& findings) const {
    ObjectFacts facts = read_facts(object);
    const auto& key = facts.key;
    ObjectContext context;
    context.is_namespace_in = key.ns.empty() || namespaces_.contains(key.ns);
    context.is_related = asked == Asked::ByNeed;
    context.service_has_selector = key.resource == "endpoints" && selecting_services_ != nullptr &&
                                   selecting_services_->contains(place_of(key));
    if (key.resource == "services" && context.is_namespace_in) {
        note_service(object, findings);
    }
    const Decision decision = decide(facts, resource, context, scope_);
    if (decision.is_out()) {
        note_skipped(facts, decision, findings);
        return false;
    }
    StoredObject stored;
    stored.created_ns = facts.created.time_since_epoch().count();
    stored.bytes = object.bytes().size();
    stored.content = sink.store(object.bytes());
    findings.objects[key.ns][key.resource].insert_or_assign(repository::escape_name(key.name),
                                                            std::move(stored));
    note_references(object, findings);
    if (key.resource == "serviceaccounts") {
        findings.service_accounts.insert(place_of(key));
    } else if (key.resource == kClaims) {
        findings.claims.push_back({std::move(facts), object.json()});
    }
    return true;
}

}  // namespace backup::capture
