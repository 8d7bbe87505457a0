// SPDX-License-Identifier: Apache-2.0
#include "core/capture/live_explanation.hpp"

#include "core/base/text.hpp"
#include "core/capture/kind_defaults.hpp"
#include "core/capture/namespaces.hpp"
#include "core/capture/survey.hpp"
#include "core/kube/discovery.hpp"
#include "core/kube/list.hpp"
#include "core/repository/tree_names.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace backup::capture {

namespace {

class LiveExplainer {
  public:
    LiveExplainer(const LiveExplainContext& context, const std::stop_token& stop)
        : context_(context),
          stop_(stop),
          discovery_(kube::discover(context.client, stop)) {}

    Explanation explain(const ObjectWords& words) {
        const auto kinds = find_kinds(words.kind, discovery_.resources);
        if (kinds.empty()) {
            throw unknown_kind(words.kind, discovery_.resources);
        }
        const auto& kind = kinds.front();
        const auto ns = kind.namespaced ? namespace_of(words) : std::string();
        const model::ObjectKey key{kind.name(), ns, words.name};
        const auto object = fetch(kind, ns, words.name);
        if (!object) {
            throw Error(ErrorCode::KubeNotFound,
                        concat("there is no ", model::format_object_key(key), " in the cluster"))
                .hint("give its namespace with -n, or as KIND/NAMESPACE/NAME");
        }
        Explanation explanation = decide_on(kind, *object);
        explanation.object = key;
        explanation.generated = find_generated(key.resource);
        const bool has_volume = key.resource == "persistentvolumeclaims" && explanation.is_stored();
        if (is_open(explanation) || has_volume) {
            look_at_everything(explanation);
        }
        return explanation;
    }

  private:
    std::string namespace_of(const ObjectWords& words) const {
        if (!words.ns.empty()) {
            return words.ns;
        }
        const auto& names = context_.scope.namespaces;
        const bool is_one =
            names.size() == 1 && names.front().find_first_of("*?[") == std::string::npos;
        return is_one ? names.front() : context_.default_namespace;
    }

    std::optional<model::Object> fetch(const model::ApiResource& resource,
                                       const std::string& ns,
                                       const std::string& name) {
        kube::ApiRequest request;
        request.path = kube::resource_path(resource, ns, name);
        request.asked = {"get", resource.group, resource.plural, ns, name};
        request.stop = stop_;
        const auto response = context_.client.exchange(request);
        if (response.status == 404) {
            return std::nullopt;
        }
        if (!response.is_success()) {
            throw kube::api_error(response, request.asked);
        }
        return model::Object(resource, response.body);
    }

    static Explanation to_explanation(const Decision& decision) {
        Explanation explanation;
        explanation.verdict = decision.verdict;
        explanation.rule = decision.rule;
        explanation.message = decision.message;
        return explanation;
    }

    Explanation decide_on(const model::ApiResource& resource, const model::Object& object) {
        const auto facts = read_facts(object);
        if (resource.name() == "namespaces") {
            auto decision = decide_resource(resource, context_.scope);
            return to_explanation(decision.is_out() ? decision
                                                    : decide_namespace(facts, context_.scope));
        }
        ObjectContext surroundings;
        if (resource.namespaced) {
            const auto ns = fetch(discovery_.get("namespaces"), {}, facts.key.ns);
            if (!ns) {
                throw Error(ErrorCode::KubeNotFound,
                            concat("there is no namespace '", printable(facts.key.ns), "'"));
            }
            const auto ns_facts = read_facts(*ns);
            const auto decision = decide_namespace(ns_facts, context_.scope);
            if (decision.is_out()) {
                return to_explanation(decision);
            }
            surroundings.is_namespace_annotated =
                carries_any(context_.scope.annotations, ns_facts.annotations);
        }
        surroundings.service_has_selector = has_selecting_service(facts.key);
        return to_explanation(decide(facts, resource, surroundings, context_.scope));
    }

    bool has_selecting_service(const model::ObjectKey& key) {
        if (key.resource != "endpoints") {
            return false;
        }
        const auto service = fetch(discovery_.get("services"), key.ns, key.name);
        const auto* selector = service ? service->json().find_path({"spec", "selector"}) : nullptr;
        return selector != nullptr && selector->is_object() && !selector->members().empty();
    }

    static bool carries_any(const std::vector<model::AnnotationSelector>& selectors,
                            const model::Labels& annotations) {
        return std::any_of(selectors.begin(), selectors.end(), [&](const auto& selector) {
            return model::matches(selector, annotations);
        });
    }

    /// Another object may need it.
    static bool is_open(const Explanation& explanation) {
        return explanation.rule == "cluster.unrelated" || explanation.rule == "selector.label" ||
               explanation.rule == "selector.annotation" || explanation.rule == "filter";
    }

    void look_at_everything(Explanation& explanation) {
        const Survey survey = survey_cluster(
            {context_.client, context_.scope, make_discarding_sink, context_.progress}, stop_);
        const auto& key = explanation.object;
        if (is_open(explanation) && contains(survey.objects, key)) {
            explanation.verdict = Verdict::Related;
            explanation.rule = "related";
            explanation.message.clear();
            explanation.edges = survey.rules.chain(key);
        }
        const auto& volumes = survey.volumes;
        const auto volume = std::find_if(volumes.begin(), volumes.end(), [&](const auto& planned) {
            return key.resource == "persistentvolumeclaims" &&
                   planned.record.name_space == key.ns && planned.record.claim == key.name;
        });
        if (volume != volumes.end()) {
            explanation.volume = volume->record;
        }
    }

    const LiveExplainContext& context_;
    const std::stop_token& stop_;
    kube::Discovery discovery_;
};

}  // namespace

Explanation explain_live(const LiveExplainContext& context,
                         const ObjectWords& words,
                         const std::stop_token& stop) {
    return LiveExplainer(context, stop).explain(words);
}

}  // namespace backup::capture
