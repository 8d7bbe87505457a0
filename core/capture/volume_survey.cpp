// SPDX-License-Identifier: Apache-2.0
#include "core/capture/volume_survey.hpp"

#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/capture/pod_volume.hpp"
#include "core/kube/list.hpp"
#include "core/kube/refusal.hpp"
#include "core/volume/mover_owner.hpp"
#include "core/volume/snapshot_api.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace backup::capture {

namespace {

/// Up to here volumes are fetched one by one: a cluster may have thousands of others.
constexpr std::size_t kFewVolumes = 32;
/// Up to here pods are listed by namespace, then once for the cluster.
constexpr std::size_t kFewNamespaces = 8;

/// Pods without any of these words have nothing to do with a claim, and name no volume.
constexpr std::array<std::string_view, 5> kTellingWords{"\"persistentVolumeClaim\"",
                                                        "\"ephemeral\"",
                                                        "kubectl-backup/volumes",
                                                        "kubectl-backup/exclude-volumes",
                                                        "backup-volumes"};

bool is_telling(std::string_view pod) {
    return std::any_of(
               kTellingWords.begin(),
               kTellingWords.end(),
               [pod](std::string_view word) { return pod.find(word) != std::string_view::npos; }) ||
           may_have_stored_volume(pod);
}

model::Labels texts_at(const Json& document, std::initializer_list<std::string_view> path) {
    model::Labels texts;
    const Json* found = document.find_path(path);
    if (found != nullptr && found->is_object()) {
        for (const auto& [key, value] : found->members()) {
            if (value.is_string()) {
                texts[key] = value.string();
            }
        }
    }
    return texts;
}

/// Of a PersistentVolume's spec, or of a pod's volume.
PersistentVolumeFacts read_source(const Json& source) {
    PersistentVolumeFacts facts;
    facts.type = find_source_type(source);
    facts.driver = source.text_at({"csi", "driver"});
    facts.attributes = texts_at(source, {"csi", "volumeAttributes"});
    facts.nfs_server = source.text_at({"nfs", "server"});
    facts.nfs_path = source.text_at({"nfs", "path"});
    return facts;
}

bool is_ours(const Json& pod) {
    return pod.text_at({"metadata", "labels", volume::kManagedByLabel}) == volume::kManagedBy;
}

/// Empty for a volume that is no claim's.
std::string claim_of(const Json& volume, const std::string& pod) {
    if (volume.find("ephemeral") != nullptr) {
        return concat(pod, "-", volume.text_at({"name"}));
    }
    return volume.text_at({"persistentVolumeClaim", "claimName"});
}

void note_claim(const Json& pod,
                const std::string& volume_name,
                const std::string& claim,
                VolumeSurvey& survey) {
    const auto phase = pod.text_at({"status", "phase"});
    auto& entry = survey.claims[concat(pod.text_at({"metadata", "namespace"}), "/", claim)];
    VolumeFacts marks;
    note_pod_marks(texts_at(pod, {"metadata", "annotations"}), volume_name, marks);
    entry.named_by.insert(entry.named_by.end(), marks.named_by.begin(), marks.named_by.end());
    entry.excluded_by.insert(
        entry.excluded_by.end(), marks.excluded_by.begin(), marks.excluded_by.end());
    if (phase == "Succeeded" || phase == "Failed") {
        return;
    }
    entry.uses.push_back({pod.text_at({"metadata", "name"}),
                          pod.text_at({"spec", "nodeName"}),
                          phase == "Running",
                          !pod.text_at({"metadata", "deletionTimestamp"}).empty()});
    sort_uses(entry.uses);
}

std::string describe_phase(const std::string& phase) {
    return phase.empty() ? "no phase" : printable(phase);
}

/// What keeps a volume that no claim stands for from being read.
void judge_pod_volume(const Json& pod, PodVolumeKind kind, NamedPodVolume& named) {
    const auto hinder = [&named](model::Outcome outcome, model::SkipReason reason, auto message) {
        named.outcome = outcome;
        named.reason = reason;
        named.message = std::move(message);
    };
    const auto& type = named.facts.type;
    const auto phase = pod.text_at({"status", "phase"});
    const bool is_over = phase == "Succeeded" || phase == "Failed";
    if (kind == PodVolumeKind::Shown) {
        hinder(model::Outcome::Skipped,
               model::SkipReason::NoData,
               concat("a ", type, " volume has no data of its own"));
    } else if (kind == PodVolumeKind::OfNode || kind == PodVolumeKind::Unknown) {
        hinder(model::Outcome::Failed,
               model::SkipReason::UnsupportedVolume,
               concat("a volume of ",
                      type.empty() ? "an unknown" : concat("the ", type),
                      " type that no claim stands for is not read"));
    } else if (is_over && (kind == PodVolumeKind::Scratch || type == "csi")) {
        hinder(model::Outcome::Skipped,
               model::SkipReason::NoData,
               concat("its pod is over, and its ", type, " volume with it"));
    } else if (phase != "Running") {
        hinder(model::Outcome::Failed,
               model::SkipReason::NotRunning,
               concat("its pod does not run (", describe_phase(phase), ")"));
    }
}

void note_other(const Json& pod, const Json& volume, VolumeSurvey& survey) {
    auto source = read_source(volume);
    const auto kind = kind_of_pod_volume(source.type, source.driver);
    NamedPodVolume named;
    named.volume = volume.text_at({"name"});
    if (kind == PodVolumeKind::Stored) {
        named.source = concat(source.type, format_json(*volume.find(source.type)));
    }
    named.facts.type = std::move(source.type);
    named.facts.driver = std::move(source.driver);
    named.facts.attributes = std::move(source.attributes);
    named.facts.nfs_server = std::move(source.nfs_server);
    named.facts.nfs_path = std::move(source.nfs_path);
    note_pod_marks(texts_at(pod, {"metadata", "annotations"}), named.volume, named.facts);
    judge_pod_volume(pod, kind, named);
    const bool is_asked = !named.facts.named_by.empty() ||
                          (survey.wants_pod_volumes && named.outcome == model::Outcome::Protected);
    const bool is_told = kind == PodVolumeKind::Stored && named.outcome != model::Outcome::Skipped;
    if (!is_asked && !is_told) {
        return;
    }
    named.ns = pod.text_at({"metadata", "namespace"});
    named.pod = pod.text_at({"metadata", "name"});
    named.facts.ns = named.ns;
    survey.pod_volumes.push_back(std::move(named));
}

class Surveyor {
  public:
    Surveyor(const VolumeSurveyContext& context, const std::stop_token& stop)
        : context_(context),
          stop_(stop) {}

    VolumeSurvey run(const std::vector<StoredClaim>& claims) {
        survey_.wants_pod_volumes = context_.has_rules;
        fetch_volumes(claims);
        const auto unknown = list("", api_.classes, [this](const Json& document) {
            survey_.storage_classes[document.text_at({"metadata", "name"})] =
                read_storage_class(document);
        });
        survey_.are_storage_classes_known = !unknown;
        fetch_snapshot_classes();
        look_at_pods();
        count_nodes();
        return std::move(survey_);
    }

  private:
    using OnObject = std::function<void(const Json&)>;

    /// The error when it may not be listed or is not there.
    std::optional<Error> list(const std::string& ns,
                              const model::ApiResource& resource,
                              const OnObject& on_object) {
        return list_raw(ns, resource, [&](std::string_view item) { on_object(parse_json(item)); });
    }

    std::optional<Error> list_raw(const std::string& ns,
                                  const model::ApiResource& resource,
                                  const std::function<void(std::string_view)>& on_item) {
        kube::ListOptions options;
        options.ns = ns;
        options.stop = stop_;
        // Without on_restart: a list that expires goes on, which is exact enough here.
        kube::ListHandler handler;
        handler.on_item = on_item;
        return tolerate(ns.empty() ? resource.name() : concat(resource.name(), " in ", ns),
                        [&] { kube::list_objects(context_.client, resource, options, handler); });
    }

    /// One question that gets no answer must not cost the point; what is not known then is told.
    std::optional<Error> tolerate(const std::string& subject, const std::function<void()>& action) {
        auto failure = failure_of(action);
        if (!failure) {
            return std::nullopt;
        }
        if (kube::is_without_answer(failure->code())) {
            survey_.problems.push_back(
                {subject,
                 concat("not known while volumes were planned: ", printable(failure->what()))});
        } else if (failure->code() != ErrorCode::Forbidden &&
                   failure->code() != ErrorCode::KubeNotFound) {
            throw Error(*failure);
        }
        return failure;
    }

    void fetch_volumes(const std::vector<StoredClaim>& claims) {
        std::set<std::string> names;
        for (const auto& claim : claims) {
            names.insert(claim.volume);
        }
        names.erase("");
        if (names.size() > kFewVolumes) {
            list("", api_.volumes, [&](const Json& document) { note_volume(document, names); });
            return;
        }
        for (const auto& name : names) {
            const auto failure = tolerate(api_.volumes.name(), [&] {
                const auto document = context_.client.find({api_.volumes, {}, name},
                                                           {.subresource = {}, .stop = stop_});
                if (document) {
                    note_volume(*document, names);
                }
            });
            if (failure) {
                return;
            }
        }
    }

    void note_volume(const Json& document, const std::set<std::string>& names) {
        const auto name = document.text_at({"metadata", "name"});
        if (names.contains(name)) {
            survey_.volumes[name] = read_persistent_volume(document);
        }
    }

    void fetch_snapshot_classes() {
        const volume::SnapshotApi snapshots;
        const auto failure = list("", snapshots.classes, [this](const Json& document) {
            survey_.snapshot_classes.push_back(volume::read_snapshot_class(document));
        });
        if (failure) {
            survey_.snapshot_problem =
                failure->code() == ErrorCode::KubeNotFound ? "the cluster has no volume snapshots"
                : failure->code() == ErrorCode::Forbidden  ? "snapshot classes may not be listed"
                                                           : "snapshot classes could not be listed";
        }
    }

    void look_at_pods() {
        const volume::MoverApi core;
        const auto on_item = [this](std::string_view item) {
            const bool has_other =
                context_.has_rules && item.find("\"emptyDir\"") != std::string_view::npos;
            if (has_other || is_telling(item)) {
                note_if_wanted(parse_json(item));
            }
        };
        if (context_.namespaces.size() > kFewNamespaces && !list_raw("", core.pods, on_item)) {
            return;
        }
        for (const auto& ns : context_.namespaces) {
            if (list_raw(ns, core.pods, on_item)) {
                survey_.blind_namespaces.insert(ns);
            }
        }
    }

    /// A volume that is no claim's is read only when its pod is in the point.
    void note_if_wanted(const Json& pod) {
        const auto before = survey_.pod_volumes.size();
        note_pod(pod, survey_);
        const model::ObjectKey key{
            "pods", pod.text_at({"metadata", "namespace"}), pod.text_at({"metadata", "name"})};
        if (!contains(context_.objects, key)) {
            survey_.pod_volumes.resize(before);
            return;
        }
        for (auto& warning : find_idle_marks(pod)) {
            note_idle_mark(key, std::move(warning));
        }
    }

    /// Once for all pods of a template.
    void note_idle_mark(const model::ObjectKey& pod, std::string warning) {
        if (idle_marks_.insert(concat(pod.ns, " ", warning)).second) {
            survey_.warnings.push_back(concat("pod ", pod.ns, "/", pod.name, ": ", warning));
        }
    }

    void count_nodes() {
        const bool matters =
            std::any_of(survey_.volumes.begin(), survey_.volumes.end(), [](const auto& entry) {
                return entry.second.type == "hostPath" && !entry.second.has_node_affinity;
            });
        if (!matters) {
            return;
        }
        const volume::MoverApi core;
        std::size_t nodes = 0;
        if (!list_raw("", core.nodes, [&nodes](std::string_view) { ++nodes; })) {
            survey_.nodes = nodes;
        }
    }

    const VolumeSurveyContext& context_;
    const std::stop_token& stop_;
    volume::StorageApi api_;
    VolumeSurvey survey_;
    std::set<std::string> idle_marks_;
};

}  // namespace

PersistentVolumeFacts read_persistent_volume(const Json& document) {
    const Json* spec = document.find("spec");
    if (spec == nullptr) {
        return {};
    }
    auto facts = read_source(*spec);
    facts.has_node_affinity = spec->find_path({"nodeAffinity", "required"}) != nullptr;
    return facts;
}

StorageClassFacts read_storage_class(const Json& document) {
    return {document.text_at({"reclaimPolicy"}) == "Retain",
            document.text_at({"volumeBindingMode"}) == "WaitForFirstConsumer",
            document.text_at({"metadata", "annotations", volume::kReadOnlyCopyMark}) == "true"};
}

void note_pod(const Json& pod, VolumeSurvey& survey) {
    const Json* volumes = pod.find_path({"spec", "volumes"});
    if (volumes == nullptr || !volumes->is_array() || is_ours(pod)) {
        return;
    }
    for (const auto& volume : volumes->items()) {
        const auto claim = claim_of(volume, pod.text_at({"metadata", "name"}));
        if (claim.empty()) {
            note_other(pod, volume, survey);
        } else {
            note_claim(pod, volume.text_at({"name"}), claim, survey);
        }
    }
}

std::vector<std::string> find_idle_marks(const Json& pod) {
    std::set<std::string> volumes;
    const Json* list = pod.find_path({"spec", "volumes"});
    if (list != nullptr && list->is_array()) {
        for (const auto& volume : list->items()) {
            volumes.insert(volume.text_at({"name"}));
        }
    }
    std::vector<std::string> warnings;
    for (const auto& mark : list_pod_marks(texts_at(pod, {"metadata", "annotations"}))) {
        if (!volumes.contains(mark.volume)) {
            warnings.push_back(concat("annotation ",
                                      mark.key,
                                      " names \"",
                                      printable(mark.volume),
                                      "\", which is no volume of the pod"));
        }
    }
    return warnings;
}

VolumeSurvey survey_volumes(const VolumeSurveyContext& context,
                            const std::vector<StoredClaim>& claims,
                            const std::stop_token& stop) {
    return Surveyor(context, stop).run(claims);
}

}  // namespace backup::capture
