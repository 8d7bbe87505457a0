// SPDX-License-Identifier: Apache-2.0
#include "core/capture/hook_pods.hpp"

#include "core/base/each_at_once.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/capture/object_facts.hpp"
#include "core/kube/list.hpp"
#include "core/kube/refusal.hpp"
#include "core/volume/mover_api.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace backup::capture {

namespace {

constexpr std::size_t kManyNamespaces = 8;
constexpr std::size_t kPodsAtOnce = 16;
constexpr std::string_view kDefaultContainer = "kubectl.kubernetes.io/default-container";

template <typename Visit>
void each(const Json* array, Visit&& visit) {
    if (array != nullptr && array->is_array()) {
        for (const auto& item : array->items()) {
            visit(item);
        }
    }
}

model::Labels labels_at(const Json& pod, std::string_view name) {
    model::Labels labels;
    const auto* map = pod.find_path({"metadata", name});
    if (map != nullptr && map->is_object()) {
        for (const auto& [key, value] : map->members()) {
            if (value.is_string()) {
                labels.insert_or_assign(key, value.string());
            }
        }
    }
    return labels;
}

void read_owner(const Json& pod, HookPod& found) {
    found.subject.kinds = {"Pod"};
    each(pod.find_path({"metadata", "ownerReferences"}), [&](const Json& owner) {
        if (!found.owner_uid.empty()) {
            return;
        }
        found.owner_uid = owner.text_at({"uid"});
        found.owner_name = owner.text_at({"name"});
        found.subject.kinds.push_back(owner.text_at({"kind"}));
        const auto hash = found.subject.labels.find("pod-template-hash");
        if (owner.text_at({"kind"}) == "ReplicaSet" && hash != found.subject.labels.end() &&
            found.owner_name.ends_with("-" + hash->second)) {
            found.owner_name.resize(found.owner_name.size() - hash->second.size() - 1);
            found.subject.kinds.emplace_back("Deployment");
        }
    });
}

void read_containers(const Json& pod, HookPod& found) {
    auto& names = found.containers;
    each(pod.find_path({"spec", "containers"}),
         [&](const Json& container) { names.push_back(container.text_at({"name"})); });
    each(pod.find_path({"spec", "initContainers"}), [&](const Json& container) {
        // A sidecar: KEP-753.
        if (container.text_at({"restartPolicy"}) == "Always") {
            names.push_back(container.text_at({"name"}));
        }
    });
    const auto& annotations = found.subject.annotations;
    const auto wanted = annotations.find(kDefaultContainer);
    if (wanted != annotations.end()) {
        const auto at = std::find(names.begin(), names.end(), wanted->second);
        if (at != names.end()) {
            std::rotate(names.begin(), at, at + 1);
        }
    }
}

void read_claims(const Json& pod, HookPod& found) {
    std::set<std::string> claims;
    each(pod.find_path({"spec", "volumes"}), [&](const Json& volume) {
        auto claim = volume.text_at({"persistentVolumeClaim", "claimName"});
        if (volume.find("ephemeral") != nullptr) {
            // Kubernetes names the claim of a generic ephemeral volume so: KEP-1698.
            claim = concat(found.name, "-", volume.text_at({"name"}));
        }
        if (!claim.empty()) {
            claims.insert(std::move(claim));
        }
    });
    found.claims.assign(claims.begin(), claims.end());
}

class PodLister {
  public:
    PodLister(kube::Client& client,
              const std::vector<HookRule>& rules,
              const std::stop_token& stop,
              HookPods& result)
        : client_(client),
          rules_(rules),
          stop_(stop),
          result_(result) {}

    void list(const std::vector<std::string>& namespaces) {
        const std::set<std::string> wanted(namespaces.begin(), namespaces.end());
        if (wanted.size() >= kManyNamespaces && !list_names({})) {
            fetch(wanted);
            return;
        }
        for (const auto& ns : wanted) {
            const auto refusal = list_names(ns);
            if (refusal && refusal->code() == ErrorCode::Forbidden) {
                result_.warnings.push_back(
                    concat("hooks of pods in ", ns, " are not known: ", refusal->what()));
            } else if (refusal) {
                note_unknown(concat("pods in ", ns), *refusal);
            }
        }
        fetch(wanted);
    }

  private:
    using Name = std::pair<std::string, std::string>;

    struct Fetched {
        std::optional<HookPod> pod;    // empty: it does not run
        std::optional<Error> failure;  // the server gave no answer
    };

    /// Who owns it is looked at later.
    bool may_have_hooks(const ObjectFacts& facts) const {
        const HookSubject subject{facts.key.ns, facts.labels, facts.annotations, {}};
        return has_hook_marks(facts.annotations) ||
               std::any_of(rules_.begin(), rules_.end(), [&](const HookRule& rule) {
                   return matches({rule.match.namespaces, rule.match.selector, {}}, subject);
               });
    }

    void note_unknown(std::string pods, const Error& error) {
        result_.problems.push_back(
            {concat("hooks of ", pods), concat("not known: ", printable(error.what()))});
    }

    /// The error when that is not allowed, or not answered.
    std::optional<Error> list_names(const std::string& ns) {
        std::set<Name> names;
        const auto take = [&](std::string_view item) {
            const model::Object object(pods_, std::string(item));
            const auto facts = read_facts(object);
            if (!facts.is_terminating && may_have_hooks(facts)) {
                names.emplace(facts.key.ns, facts.key.name);
            }
        };
        kube::ListHandler handler;
        handler.on_item = take;
        handler.on_restart = [&] { names.clear(); };
        handler.on_metadata = [&](const std::vector<std::string_view>& items) {
            std::for_each(items.begin(), items.end(), take);
            return kube::PageVerdict::Taken;
        };
        kube::ListOptions options;
        options.ns = ns;
        options.stop = stop_;
        auto failure = failure_of([&] { kube::list_objects(client_, pods_, options, handler); });
        if (failure && failure->code() != ErrorCode::Forbidden &&
            !kube::is_without_answer(failure->code())) {
            throw Error(*failure);
        }
        names_.merge(names);
        return failure;
    }

    void fetch(const std::set<std::string>& wanted) {
        std::erase_if(names_, [&](const Name& name) { return !wanted.contains(name.first); });
        const std::vector<Name> names(names_.begin(), names_.end());
        std::vector<Fetched> fetched(names.size());
        const auto fetch_at = [&](std::size_t at, const std::stop_token& stop) {
            fetched[at] = fetch_one(names[at], stop);
        };
        each_at_once(names.size(), kPodsAtOnce, fetch_at, stop_);
        for (std::size_t at = 0; at < names.size(); ++at) {
            if (fetched[at].failure) {
                note_unknown(concat("pod ", names[at].first, "/", names[at].second),
                             *fetched[at].failure);
            } else if (fetched[at].pod) {
                result_.pods.push_back(std::move(*fetched[at].pod));
            }
        }
    }

    Fetched fetch_one(const Name& name, const std::stop_token& stop) {
        kube::CallOptions options;
        options.stop = stop;
        Fetched fetched;
        fetched.failure = failure_of([&] {
            const auto pod = client_.find({pods_, name.first, name.second}, options);
            if (pod && is_running(*pod)) {
                fetched.pod = read_hook_pod(*pod);
            }
        });
        if (fetched.failure && !kube::is_without_answer(fetched.failure->code())) {
            throw Error(*fetched.failure);
        }
        return fetched;
    }

    kube::Client& client_;
    const std::vector<HookRule>& rules_;
    const std::stop_token& stop_;
    HookPods& result_;
    model::ApiResource pods_ = volume::core_resource("Pod", "pods");
    std::set<Name> names_;
};

}  // namespace

HookPod read_hook_pod(const Json& pod) {
    HookPod found;
    found.name = pod.text_at({"metadata", "name"});
    found.subject.ns = pod.text_at({"metadata", "namespace"});
    if (found.name.empty() || found.subject.ns.empty()) {
        throw Error(ErrorCode::InvalidArgument, "a pod without name and namespace");
    }
    found.subject.labels = labels_at(pod, "labels");
    found.subject.annotations = labels_at(pod, "annotations");
    read_owner(pod, found);
    read_containers(pod, found);
    read_claims(pod, found);
    return found;
}

bool is_running(const Json& pod) {
    return pod.text_at({"status", "phase"}) == "Running" &&
           pod.find_path({"metadata", "deletionTimestamp"}) == nullptr;
}

HookPods list_hook_pods(kube::Client& client,
                        const std::vector<std::string>& namespaces,
                        const std::vector<HookRule>& rules,
                        const std::stop_token& stop) {
    HookPods result;
    PodLister(client, rules, stop, result).list(namespaces);
    return result;
}

}  // namespace backup::capture
