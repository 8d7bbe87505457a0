// SPDX-License-Identifier: Apache-2.0
#include "core/volume/mover_pod_spec.hpp"

#include "tests/support/catch.hpp"

using namespace backup;
using namespace backup::volume;

namespace {

ClaimFacts claim(const std::string& name) {
    ClaimFacts facts;
    facts.name = name;
    facts.phase = "Bound";
    return facts;
}

ClaimFacts used_claim(const std::string& name) {
    auto facts = claim(name);
    facts.consumer.emplace();
    facts.consumer->pod = "web-0";
    facts.consumer->node = "n1";
    facts.consumer->image = "web:1";
    facts.consumer->tolerations = parse_json(R"([{"key":"a","operator":"Exists"}])");
    facts.consumer->image_pull_secrets = parse_json(R"([{"name":"pull"}])");
    facts.consumer->run_as_user = 12345;
    facts.consumer->supplemental_groups = {4321};
    facts.consumer->selinux_level = "s0:c1,c2";
    return facts;
}

MoverPodPlan plan_for(const ClaimFacts& facts, MoverIdentity identity) {
    MoverPodPlan plan;
    plan.name = "mover";
    plan.ns = "shop";
    plan.claims = {facts};
    plan.identity = identity;
    plan.image = "pause:1";
    plan.architecture = "amd64";
    plan.program_digest = "abc";
    plan.program_maps = {"map-0", "map-1"};
    plan.owner.run_id = "run1";
    plan.longest_life = std::chrono::seconds(100);
    plan.idle_limit = std::chrono::seconds(20);
    return plan;
}

std::string text(const Json& pod, std::initializer_list<std::string_view> path) {
    const Json* found = pod.find_path(path);
    return found == nullptr ? "-" : format_json(*found);
}

const Json& container(const Json& pod) {
    return pod.find_path({"spec", "containers"})->items().front();
}

}  // namespace

TEST_CASE("what every mover pod is") {
    const auto pod = make_mover_pod(plan_for(claim("data"), MoverIdentity::Root));
    CHECK(text(pod, {"spec", "restartPolicy"}) == R"("Never")");
    CHECK(text(pod, {"spec", "automountServiceAccountToken"}) == "false");
    CHECK(text(pod, {"spec", "enableServiceLinks"}) == "false");
    CHECK(text(pod, {"spec", "activeDeadlineSeconds"}) == "100");
    CHECK(text(pod, {"metadata", "labels", kRunLabel}) == R"("run1")");
    CHECK(text(pod, {"metadata", "annotations", "sidecar.istio.io/inject"}) == R"("false")");
    const auto& mover = container(pod);
    CHECK(text(mover, {"command"}) == R"(["/kubectl-backup/program/loader","wait","100","20"])");
    CHECK(text(mover, {"imagePullPolicy"}) == R"("IfNotPresent")");
    CHECK(text(mover, {"securityContext", "readOnlyRootFilesystem"}) == "true");
    CHECK(text(mover, {"securityContext", "allowPrivilegeEscalation"}) == "false");
    CHECK(text(mover, {"securityContext", "capabilities", "drop"}) == R"(["ALL"])");
    const auto& program = pod.find_path({"spec", "volumes"})->items().front();
    CHECK(text(program, {"projected"}) ==
          R"({"defaultMode":365,"sources":[{"configMap":{"name":"map-0"}},)"
          R"({"configMap":{"name":"map-1"}}]})");
}

TEST_CASE("fsGroup is never set: the kubelet would change every file") {
    for (const auto identity :
         {MoverIdentity::Root, MoverIdentity::Consumer, MoverIdentity::Assigned}) {
        const auto pod = make_mover_pod(plan_for(used_claim("data"), identity));
        CHECK(format_json(pod).find("fsGroup") == std::string::npos);
    }
}

TEST_CASE("reading mounts read-only, writing does not") {
    auto plan = plan_for(claim("data"), MoverIdentity::Root);
    auto pod = make_mover_pod(plan);
    CHECK(text(container(pod).find("volumeMounts")->items().back(), {}) ==
          R"({"name":"claim-0","mountPath":"/volumes/data","readOnly":true})");
    CHECK(text(pod.find_path({"spec", "volumes"})->items().back(), {"persistentVolumeClaim"}) ==
          R"({"claimName":"data","readOnly":true})");
    CHECK(text(container(pod), {"securityContext", "capabilities", "add"}) ==
          R"(["DAC_OVERRIDE"])");
    plan.access = VolumeAccess::Write;
    pod = make_mover_pod(plan);
    CHECK(text(container(pod).find("volumeMounts")->items().back(), {"readOnly"}) == "false");
    CHECK(text(container(pod), {"securityContext", "capabilities", "add"}) ==
          R"(["CHOWN","DAC_OVERRIDE","FOWNER","FSETID","MKNOD","SETFCAP"])");
}

TEST_CASE("a block volume is a device") {
    auto facts = claim("raw");
    facts.is_block = true;
    const auto pod = make_mover_pod(plan_for(facts, MoverIdentity::Root));
    CHECK(text(container(pod), {"volumeDevices"}) ==
          R"([{"name":"claim-0","devicePath":"/devices/raw"}])");
    CHECK(text(make_mover_pod(plan_for(claim("data"), MoverIdentity::Root))
                   .find_path({"spec"})
                   ->find("containers")
                   ->items()
                   .front(),
               {"volumeDevices"}) == "-");
}

TEST_CASE("a volume of one cluster node is read there, whatever keeps others away") {
    const auto pod = make_mover_pod(plan_for(used_claim("data"), MoverIdentity::Root));
    CHECK(text(pod, {"spec", "tolerations"}) == R"([{"operator":"Exists"}])");
    CHECK(text(pod, {"spec", "imagePullSecrets"}) == R"([{"name":"pull"}])");
    const auto affinity = text(pod, {"spec", "affinity"});
    CHECK(affinity.find(
              R"("matchFields":[{"key":"metadata.name","operator":"In","values":["n1"]}])") !=
          std::string::npos);
    CHECK(text(pod, {"spec", "nodeName"}) == "-");
}

TEST_CASE("a shared volume may be read anywhere the consumer may run") {
    auto facts = used_claim("data");
    facts.is_shared = true;
    CHECK(required_node({facts}).empty());
    const auto pod = make_mover_pod(plan_for(facts, MoverIdentity::Root));
    CHECK(text(pod, {"spec", "tolerations"}) == R"([{"key":"a","operator":"Exists"}])");
    CHECK(text(pod,
               {"spec",
                "affinity",
                "nodeAffinity",
                "preferredDuringSchedulingIgnoredDuringExecution"}) != "-");
}

TEST_CASE("who the mover is") {
    auto plan = plan_for(used_claim("data"), MoverIdentity::Root);
    auto pod = make_mover_pod(plan);
    CHECK(text(pod, {"spec", "securityContext"}) ==
          R"({"seccompProfile":{"type":"RuntimeDefault"},"runAsUser":0,"runAsGroup":0,)"
          R"("runAsNonRoot":false,"seLinuxOptions":{"level":"s0:c1,c2"}})");
    plan.identity = MoverIdentity::Consumer;
    pod = make_mover_pod(plan);
    CHECK(text(pod, {"spec", "securityContext"}) ==
          R"({"seccompProfile":{"type":"RuntimeDefault"},"runAsNonRoot":true,"runAsUser":12345,)"
          R"("supplementalGroups":[4321],"seLinuxOptions":{"level":"s0:c1,c2"}})");
    CHECK(text(container(pod), {"securityContext", "capabilities"}) == R"({"drop":["ALL"]})");
    plan.identity = MoverIdentity::Assigned;
    pod = make_mover_pod(plan);
    CHECK(text(pod, {"spec", "securityContext", "runAsUser"}) == "-");
    CHECK(text(pod, {"spec", "securityContext", "supplementalGroups"}) == "-");
}

TEST_CASE("a user nobody has named comes from the consumer's image, or is nobody") {
    auto facts = used_claim("data");
    facts.consumer->run_as_user.reset();
    auto plan = plan_for(facts, MoverIdentity::Consumer);
    CHECK(text(make_mover_pod(plan), {"spec", "securityContext", "runAsUser"}) == "65534");
    plan.image = "web:1";
    CHECK(text(make_mover_pod(plan), {"spec", "securityContext", "runAsUser"}) == "-");
    plan.claims = {claim("data")};
    CHECK(text(make_mover_pod(plan), {"spec", "securityContext", "runAsUser"}) == "65534");
}

TEST_CASE("a volume that says which cluster nodes reach it is reached whatever their taints") {
    auto facts = claim("data");
    CHECK(text(make_mover_pod(plan_for(facts, MoverIdentity::Root)), {"spec", "tolerations"}) ==
          "-");
    facts.is_on_some_nodes = true;
    CHECK(text(make_mover_pod(plan_for(facts, MoverIdentity::Root)), {"spec", "tolerations"}) ==
          R"([{"operator":"Exists"}])");
}
