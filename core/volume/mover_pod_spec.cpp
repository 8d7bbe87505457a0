// SPDX-License-Identifier: Apache-2.0
#include "core/volume/mover_pod_spec.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <set>

namespace backup::volume {

namespace {

constexpr std::int64_t kNobody = 65534;

/// The consumer that decides where and as whom: the first there is.
const ClaimConsumer* find_first_consumer(const std::vector<ClaimFacts>& claims) {
    for (const auto& claim : claims) {
        if (claim.consumer) {
            return &*claim.consumer;
        }
    }
    return nullptr;
}

Json metadata_of(const MoverPodPlan& plan) {
    return Json::object(
        {{"name", plan.name},
         {"namespace", plan.ns},
         {"labels",
          Json::object({{std::string(kManagedByLabel), kManagedBy},
                        {std::string(kComponentLabel), kMoverComponent},
                        {std::string(kRunLabel), plan.owner.run_id},
                        {std::string(kProgramLabel), plan.program_digest}})},
         {"annotations",
          Json::object({{std::string(kOwnerAnnotation), format_owner(plan.owner)},
                        {std::string(kCreatedAnnotation), format_rfc3339(plan.created_at)},
                        {"sidecar.istio.io/inject", "false"},
                        {"linkerd.io/inject", "disabled"},
                        {"cluster-autoscaler.kubernetes.io/safe-to-evict", "false"}})}});
}

Json names(std::initializer_list<const char*> texts) {
    Json list = Json::array();
    for (const char* text : texts) {
        list.push_back(text);
    }
    return list;
}

/// All of them are in the set that "baseline" allows. Reading needs to pass by file modes only;
/// writing also to give files their owners, modes, device numbers and capabilities.
Json capabilities_of(const MoverPodPlan& plan) {
    Json capabilities = Json::object({{"drop", names({"ALL"})}});
    if (plan.identity == MoverIdentity::Root) {
        capabilities["add"] =
            plan.access == VolumeAccess::Read
                ? names({"DAC_OVERRIDE"})
                : names({"CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "MKNOD", "SETFCAP"});
    }
    return capabilities;
}

/// The image of the consumer brings the user along that its manifest leaves to it.
bool has_image_of(const MoverPodPlan& plan, const ClaimConsumer* consumer) {
    return consumer != nullptr && consumer->image == plan.image;
}

void add_user(Json& context, const MoverPodPlan& plan, const ClaimConsumer* consumer) {
    if (plan.identity == MoverIdentity::Root) {
        context["runAsUser"] = 0;
        context["runAsGroup"] = 0;
        context["runAsNonRoot"] = false;
        return;
    }
    context["runAsNonRoot"] = true;
    if (plan.identity == MoverIdentity::Assigned) {
        return;
    }
    if (consumer != nullptr && consumer->run_as_user.value_or(0) != 0) {
        context["runAsUser"] = *consumer->run_as_user;
    } else if (!has_image_of(plan, consumer)) {
        context["runAsUser"] = kNobody;
    }
    if (consumer != nullptr && consumer->run_as_group) {
        context["runAsGroup"] = *consumer->run_as_group;
    }
}

Json supplemental_groups(const std::vector<ClaimFacts>& claims) {
    std::set<std::int64_t> groups;
    for (const auto& claim : claims) {
        if (claim.consumer) {
            groups.insert(claim.consumer->supplemental_groups.begin(),
                          claim.consumer->supplemental_groups.end());
        }
    }
    Json list = Json::array();
    for (const auto group : groups) {
        list.push_back(group);
    }
    return list;
}

Json pod_security(const MoverPodPlan& plan) {
    const auto* consumer = find_first_consumer(plan.claims);
    Json context = Json::object({{"seccompProfile", Json::object({{"type", "RuntimeDefault"}})}});
    add_user(context, plan, consumer);
    // Other groups than its own are nothing that root needs, and a policy may forbid them.
    Json groups = supplemental_groups(plan.claims);
    if (plan.identity == MoverIdentity::Consumer && !groups.items().empty()) {
        context["supplementalGroups"] = std::move(groups);
    }
    if (consumer != nullptr && !consumer->selinux_level.empty()) {
        context["seLinuxOptions"] = Json::object({{"level", consumer->selinux_level}});
    }
    return context;
}

Json container_security(const MoverPodPlan& plan) {
    return Json::object({{"allowPrivilegeEscalation", false},
                         {"readOnlyRootFilesystem", true},
                         {"privileged", false},
                         {"capabilities", capabilities_of(plan)}});
}

std::string volume_name(std::size_t position) {
    return concat("claim-", position);
}

void add_claims(Json& container, const MoverPodPlan& plan) {
    Json mounts = Json::array(
        {Json::object({{"name", "program"}, {"mountPath", kProgramDirectory}, {"readOnly", true}}),
         Json::object({{"name", "scratch"}, {"mountPath", kScratchDirectory}})});
    Json devices = Json::array();
    for (std::size_t i = 0; i < plan.claims.size(); ++i) {
        const auto& claim = plan.claims[i];
        if (claim.is_block) {
            devices.push_back(
                Json::object({{"name", volume_name(i)}, {"devicePath", mover_path(claim)}}));
            continue;
        }
        mounts.push_back(Json::object({{"name", volume_name(i)},
                                       {"mountPath", mover_path(claim)},
                                       {"readOnly", plan.access == VolumeAccess::Read}}));
    }
    container["volumeMounts"] = std::move(mounts);
    if (!devices.items().empty()) {
        container["volumeDevices"] = std::move(devices);
    }
}

Json resources_of(const MoverResources& resources) {
    return Json::object(
        {{"requests",
          Json::object({{"cpu", resources.cpu_request}, {"memory", resources.memory_request}})},
         {"limits",
          Json::object({{"cpu", resources.cpu_limit}, {"memory", resources.memory_limit}})}});
}

Json container_of(const MoverPodPlan& plan) {
    Json container = Json::object({{"name", kMoverContainer},
                                   {"image", plan.image},
                                   {"imagePullPolicy", "IfNotPresent"},
                                   {"workingDir", "/"},
                                   {"command",
                                    Json::array({concat(kProgramDirectory, "/loader"),
                                                 "wait",
                                                 std::to_string(plan.longest_life.count()),
                                                 std::to_string(plan.idle_limit.count())})},
                                   {"resources", resources_of(plan.resources)},
                                   {"securityContext", container_security(plan)}});
    add_claims(container, plan);
    return container;
}

Json volumes_of(const MoverPodPlan& plan) {
    constexpr int kReadAndExecute = 0555;
    Json sources = Json::array();
    for (const auto& name : plan.program_maps) {
        sources.push_back(Json::object({{"configMap", Json::object({{"name", name}})}}));
    }
    Json volumes = Json::array(
        {Json::object(
             {{"name", "program"},
              {"projected",
               Json::object({{"defaultMode", kReadAndExecute}, {"sources", std::move(sources)}})}}),
         Json::object({{"name", "scratch"}, {"emptyDir", Json::object({{"sizeLimit", "64Mi"}})}})});
    for (std::size_t i = 0; i < plan.claims.size(); ++i) {
        volumes.push_back(
            Json::object({{"name", volume_name(i)},
                          {"persistentVolumeClaim",
                           Json::object({{"claimName", plan.claims[i].name},
                                         {"readOnly", plan.access == VolumeAccess::Read}})}}));
    }
    return volumes;
}

Json match(const char* key, std::string_view value) {
    return Json::object({{"key", key}, {"operator", "In"}, {"values", Json::array({value})}});
}

/// Not spec.nodeName: that goes past the scheduler, which has to bind the volume.
Json affinity_of(const MoverPodPlan& plan) {
    Json term = Json::object({{"matchExpressions",
                               Json::array({match("kubernetes.io/os", "linux"),
                                            match("kubernetes.io/arch", plan.architecture)})}});
    const auto node = required_node(plan.claims);
    if (!node.empty()) {
        term["matchFields"] = Json::array({match("metadata.name", node)});
    }
    Json affinity = Json::object({{"requiredDuringSchedulingIgnoredDuringExecution",
                                   Json::object({{"nodeSelectorTerms", Json::array({term})}})}});
    const auto* consumer = find_first_consumer(plan.claims);
    if (node.empty() && consumer != nullptr && !consumer->node.empty()) {
        // Any cluster node reaches a shared volume; on this one the image is there.
        affinity["preferredDuringSchedulingIgnoredDuringExecution"] = Json::array({Json::object(
            {{"weight", 100},
             {"preference",
              Json::object(
                  {{"matchFields", Json::array({match("metadata.name", consumer->node)})}})}})});
    }
    return Json::object({{"nodeAffinity", std::move(affinity)}});
}

void add_placement(Json& spec, const MoverPodPlan& plan) {
    spec["affinity"] = affinity_of(plan);
    const auto* consumer = find_first_consumer(plan.claims);
    const bool is_on_some_nodes =
        std::ranges::any_of(plan.claims, [](const auto& claim) { return claim.is_on_some_nodes; });
    if (is_on_some_nodes || !required_node(plan.claims).empty()) {
        // The volume is there: whatever keeps other pods away must not keep us away.
        spec["tolerations"] = Json::array({Json::object({{"operator", "Exists"}})});
    } else if (consumer != nullptr && consumer->tolerations.is_array()) {
        spec["tolerations"] = consumer->tolerations;
    }
    if (consumer != nullptr && consumer->image_pull_secrets.is_array()) {
        spec["imagePullSecrets"] = consumer->image_pull_secrets;
    }
}

}  // namespace

std::string_view name_of(MoverIdentity identity) {
    switch (identity) {
        case MoverIdentity::Root:
            return "root";
        case MoverIdentity::Consumer:
            return "consumer";
        case MoverIdentity::Assigned:
            break;
    }
    return "assigned";
}

Json make_mover_pod(const MoverPodPlan& plan) {
    Json spec = Json::object({{"restartPolicy", "Never"},
                              {"terminationGracePeriodSeconds", 0},
                              {"activeDeadlineSeconds", plan.longest_life.count()},
                              {"automountServiceAccountToken", false},
                              {"enableServiceLinks", false},
                              {"securityContext", pod_security(plan)},
                              {"containers", Json::array({container_of(plan)})},
                              {"volumes", volumes_of(plan)}});
    add_placement(spec, plan);
    return Json::object({{"apiVersion", "v1"},
                         {"kind", "Pod"},
                         {"metadata", metadata_of(plan)},
                         {"spec", std::move(spec)}});
}

std::vector<std::string> mover_command() {
    return {concat(kProgramDirectory, "/loader"),
            "run",
            std::string(kProgramDirectory),
            std::string(kScratchDirectory)};
}

std::string mover_path(const ClaimFacts& claim) {
    return (claim.is_block ? "/devices/" : "/volumes/") + claim.name;
}

std::string required_node(const std::vector<ClaimFacts>& claims) {
    for (const auto& claim : claims) {
        if (!claim.is_shared && claim.consumer && !claim.consumer->node.empty()) {
            return claim.consumer->node;
        }
    }
    return "";
}

}  // namespace backup::volume
