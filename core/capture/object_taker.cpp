// SPDX-License-Identifier: Apache-2.0
#include "core/capture/object_taker.hpp"

#include "core/capture/references.hpp"
#include "core/repository/tree_names.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace backup::capture {

namespace {

constexpr std::string_view kClaims = "persistentvolumeclaims";

/// Kinds of which more than the metadata decides or is kept: the type of a Secret, the selector of
/// a Service, what volumes and hooks are planned from.
constexpr std::array<std::string_view, 5> kLookedInto = {
    "secrets", "services", "pods", "persistentvolumes", kClaims};

std::string place_of(const model::ObjectKey& key) {
    return key.ns + "/" + key.name;
}

/// Most Secrets and ConfigMaps are not: those need not be parsed.
bool may_be_tied(const model::Object& object) {
    return has_links(object.key().resource) ||
           object.bytes().find("\"ownerReferences\"") != std::string::npos;
}

void note_service(const model::Object& service, Findings& findings) {
    const auto* selector = service.json().find_path({"spec", "selector"});
    if (selector != nullptr && selector->is_object() && !selector->members().empty()) {
        findings.selecting_services.insert(place_of(service.key()));
    }
}

void note_skipped(const ObjectFacts& facts, const Decision& decision, Findings& findings) {
    findings.rules.note_out(facts.key, decision);
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
    if (scope_.is_narrow()) {
        if (may_be_tied(object)) {
            findings.links.add(links_of(key.resource, key, object.json()));
        }
        return;
    }
    if (!wants_references() || !has_references(key.resource)) {
        return;
    }
    for (auto& reference : references_of(key.resource, key.ns, object.json())) {
        if (reference.key.ns.empty()) {
            findings.wanted.try_emplace(std::move(reference.key),
                                        Edge{key, std::move(reference.why)});
        }
    }
}

void ObjectTaker::note_candidate(const model::Object& object,
                                 const Decision& decision,
                                 Findings& findings) const {
    const auto& key = object.key();
    const bool is_unselected = decision.skip == model::SkipReason::None &&
                               (decision.rule.starts_with("selector") ||
                                decision.rule == "filter" || decision.rule == "mark");
    if (!scope_.is_narrow() || !is_unselected || !may_be_tied(object)) {
        return;
    }
    if (const auto links = links_of(key.resource, key, object.json()); is_attachable(links)) {
        findings.candidates.add(links);
    }
}

bool ObjectTaker::take(const model::ApiResource& resource,
                       const model::Object& object,
                       const Asking& asking,
                       ObjectSink& sink,
                       Findings& findings) const {
    return admit(resource, object, asking, findings, [&](StoredObject& stored) {
        stored.bytes = object.bytes().size();
        stored.content = sink.store(object.bytes());
    });
}

bool ObjectTaker::take_over(const model::ApiResource& resource,
                            const model::Object& object,
                            const Asking& asking,
                            const StoredObject& stored,
                            Findings& findings) const {
    return admit(resource, object, asking, findings, [&stored](StoredObject& taken) {
        taken.bytes = stored.bytes;
        taken.content = stored.content;
    });
}

bool ObjectTaker::needs_body(const model::ApiResource& resource) const {
    const auto name = resource.name();
    return std::find(kLookedInto.begin(), kLookedInto.end(), name) != kLookedInto.end() ||
           (wants_references() && has_references(name)) || needs_body_of_all(resource);
}

bool ObjectTaker::needs_body_of_all(const model::ApiResource& resource) const {
    return scope_.is_narrow() && has_links(resource.name());
}

Decision ObjectTaker::judge(const model::ApiResource& resource,
                            const ObjectFacts& facts,
                            const Asking& asking) const {
    const auto& key = facts.key;
    ObjectContext context;
    context.is_namespace_in = key.ns.empty() || namespaces_.names.contains(key.ns);
    context.is_related = asking.asked == Asked::ByNeed;
    context.is_namespace_annotated = namespaces_.annotated.contains(key.ns);
    context.service_has_selector = key.resource == "endpoints" && selecting_services_ != nullptr &&
                                   selecting_services_->contains(place_of(key));
    return decide(facts, resource, context, scope_);
}

bool ObjectTaker::is_out(const model::ApiResource& resource,
                         const model::Object& object,
                         const Asking& asking) const {
    return judge(resource, read_facts(object), asking).is_out();
}

bool ObjectTaker::admit(const model::ApiResource& resource,
                        const model::Object& object,
                        const Asking& asking,
                        Findings& findings,
                        const Store& store) const {
    ObjectFacts facts = read_facts(object);
    const auto& key = facts.key;
    if (key.resource == "services" && (key.ns.empty() || namespaces_.names.contains(key.ns))) {
        note_service(object, findings);
    }
    const Decision decision = judge(resource, facts, asking);
    if (!decision.is_out() || decision.skip != model::SkipReason::None) {
        findings.add_conflicts(find_mark_conflicts(facts));
    }
    if (decision.is_out()) {
        note_skipped(facts, decision, findings);
        note_candidate(object, decision, findings);
        return false;
    }
    StoredObject stored;
    stored.created_ns = facts.created.time_since_epoch().count();
    stored.version_mark = versions_ == nullptr ? 0 : versions_->mark_of(resource, object);
    store(stored);
    findings.objects[key.ns][key.resource].insert_or_assign(repository::escape_name(key.name),
                                                            stored);
    if (decision.verdict == Verdict::Related) {
        findings.rules.note_related(key, asking.edge);
    } else {
        findings.rules.note_stored(key, decision);
    }
    note_references(object, findings);
    if (key.resource == "serviceaccounts") {
        findings.service_accounts.insert(place_of(key));
    } else if (key.resource == kClaims) {
        findings.claims.push_back(read_claim(std::move(facts), object.json()));
    }
    return true;
}

}  // namespace backup::capture
