// SPDX-License-Identifier: Apache-2.0
#include "core/capture/namespaces.hpp"

#include "core/base/closest_match.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/capture/decision.hpp"
#include "core/kube/list.hpp"
#include "core/model/access_rule.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace backup::capture {

namespace {

/// From so many chosen namespaces on, when they are at least half of all.
constexpr std::size_t kWideFrom = 4;

class NamespaceChooser {
  public:
    NamespaceChooser(kube::Client& client,
                     const model::ApiResource& resource,
                     const Scope& scope,
                     std::stop_token stop)
        : client_(client),
          resource_(resource),
          scope_(scope),
          stop_(std::move(stop)) {}

    ChosenNamespaces choose() {
        if (scope_.spans_cluster()) {
            choose_from_all();
        } else {
            for (const auto& name : scope_.namespaces) {
                choose_by_name(name);
            }
        }
        if (result_.names.empty()) {
            throw nothing_left();
        }
        return std::move(result_);
    }

  private:
    void choose_from_all() {
        const auto all =
            with_context([] { return std::string("choosing namespaces by a pattern or selector"); },
                         [this] { return list_all(); });
        for (const auto& object : all) {
            decide_on(object);
        }
        for (const auto& word : scope_.namespaces) {
            const bool is_literal = word.find_first_of("*?[") == std::string::npos;
            const bool is_there = std::any_of(all.begin(), all.end(), [&word](const auto& object) {
                return object.key().name == word;
            });
            if (is_literal && !is_there) {
                throw not_found(word);
            }
        }
        result_.prefers_wide_lists =
            scope_.all_namespaces ||
            (result_.names.size() >= kWideFrom && 2 * result_.names.size() >= all.size());
    }

    void choose_by_name(const std::string& name) {
        kube::ApiRequest request;
        request.path = kube::resource_path(resource_, {}, name);
        request.asked = {"get", "", resource_.plural, "", name};
        request.stop = stop_;
        const auto response = client_.exchange(request);
        if (response.status == 404) {
            throw not_found(name);
        }
        if (response.status == 403) {
            ObjectFacts facts;
            facts.key.resource = resource_.name();
            facts.key.name = name;
            const auto decision = decide_namespace(facts, scope_);
            if (decision.is_out()) {
                note_left_out(name, decision);
                return;
            }
            // The rights of one namespace need not include reading its Namespace object.
            result_.names.insert(name);
            result_.warnings.push_back(
                concat("the object of namespace ",
                       name,
                       " may not be read and is not stored (",
                       model::describe_missing({{"get", "", resource_.plural, name}}),
                       ")"));
            return;
        }
        if (!response.is_success()) {
            throw kube::api_error(response, request.asked);
        }
        decide_on(model::Object(resource_, response.body));
    }

    void decide_on(const model::Object& object) {
        const auto facts = read_facts(object);
        const auto decision = decide_namespace(facts, scope_);
        const auto& name = object.key().name;
        if (decision.skip != model::SkipReason::None || !decision.is_out()) {
            auto conflicts = find_mark_conflicts(facts);
            std::move(conflicts.begin(), conflicts.end(), std::back_inserter(result_.warnings));
        }
        if (!decision.is_out()) {
            result_.names.insert(name);
            result_.objects.push_back(object);
            if (carries_asked_annotation(facts)) {
                result_.annotated.insert(name);
            }
        } else {
            note_left_out(name, decision);
        }
    }

    void note_left_out(const std::string& name, const Decision& decision) {
        if (decision.skip == model::SkipReason::None) {
            return;
        }
        model::ListRecord record;
        record.resource = resource_.name();
        record.scope = name;
        record.outcome = model::Outcome::Skipped;
        record.reason = decision.skip;
        record.message = decision.message;
        result_.skipped.push_back(std::move(record));
    }

    bool carries_asked_annotation(const ObjectFacts& facts) const {
        return std::any_of(
            scope_.annotations.begin(), scope_.annotations.end(), [&facts](const auto& selector) {
                return model::matches(selector, facts.annotations);
            });
    }

    std::vector<model::Object> list_all() {
        std::vector<model::Object> objects;
        kube::ListOptions options;
        options.stop = stop_;
        kube::list_objects(
            client_,
            resource_,
            options,
            {[&](std::string_view item) { objects.emplace_back(resource_, std::string(item)); },
             [&] { objects.clear(); }});
        return objects;
    }

    Error not_found(const std::string& name) {
        std::vector<std::string> known;
        // Only for the hint: whoever may not list namespaces gets none.
        static_cast<void>(failure_of([&] {
            for (const auto& object : list_all()) {
                known.push_back(object.key().name);
            }
        }));
        return Error(ErrorCode::KubeNotFound, concat("there is no namespace '", name, "'"))
            .hint(did_you_mean(name, known));
    }

    Error nothing_left() const {
        std::vector<std::string> reasons;
        for (const auto& record : result_.skipped) {
            reasons.push_back(concat(record.scope,
                                     " (",
                                     model::to_text(record.reason),
                                     record.message.empty() ? "" : ": ",
                                     record.message,
                                     ")"));
        }
        return Error(ErrorCode::NotFound,
                     concat("there is no namespace to back up",
                            reasons.empty() ? "" : "; left out: ",
                            join(reasons, ", ")))
            .hint("'kubectl get namespaces --show-labels' shows what there is");
    }

    kube::Client& client_;
    const model::ApiResource& resource_;
    const Scope& scope_;
    std::stop_token stop_;
    ChosenNamespaces result_;
};

}  // namespace

ChosenNamespaces choose_namespaces(kube::Client& client,
                                   const model::ApiResource& namespaces,
                                   const Scope& scope,
                                   std::stop_token stop) {
    return NamespaceChooser(client, namespaces, scope, std::move(stop)).choose();
}

}  // namespace backup::capture
