// SPDX-License-Identifier: Apache-2.0
// Claims, volumes and pods of one namespace, and the plan that is made for them.
#pragma once

#include "core/base/text.hpp"
#include "core/capture/volume_plan.hpp"
#include "tests/support/capture_scene.hpp"
#include "tests/support/catch.hpp"

#include <string>
#include <vector>

namespace backup::testing {

/// A namespace "shop" of claims, volumes and pods, and the plan that is made for it.
struct VolumePlanScene : CaptureScene {
    VolumePlanScene() {
        server.add_resource("volumesnapshotclasses.snapshot.storage.k8s.io", false);
        server.add_resource("nodes", false);
    }

    void add_claim(const std::string& name,
                   const std::string& spec = R"("source":1)",
                   const std::string& metadata = "") {
        server.add("persistentvolumeclaims",
                   "shop",
                   name,
                   metadata,
                   concat(R"("spec":{"volumeName":"pv-)",
                          name,
                          R"(","storageClassName":"fast","accessModes":["ReadWriteOnce"],)",
                          spec,
                          R"(},"status":{"phase":"Bound","capacity":{"storage":"1Gi"}})"));
    }

    void add_volume(const std::string& claim, const std::string& source) {
        server.add("persistentvolumes", "", "pv-" + claim, "", concat(R"("spec":{)", source, "}"));
    }

    void add_csi(const std::string& claim) {
        add_claim(claim);
        add_volume(claim, R"("csi":{"driver":"disk","volumeHandle":"h"})");
    }

    void add_class(const std::string& name, const std::string& policy = "Delete") {
        server.add("volumesnapshotclasses.snapshot.storage.k8s.io",
                   "",
                   name,
                   "",
                   concat(R"("driver":"disk","deletionPolicy":")", policy, '"'));
    }

    void add_storage_class(const std::string& members) {
        server.add("storageclasses.storage.k8s.io", "", "fast", "", members);
    }

    void add_pod(const std::string& name,
                 const std::string& claim,
                 const std::string& node,
                 const std::string& metadata = "") {
        server.add("pods",
                   "shop",
                   name,
                   metadata,
                   concat(R"("spec":{"nodeName":")",
                          node,
                          R"(","volumes":[{"name":"v","persistentVolumeClaim":{"claimName":")",
                          claim,
                          R"("}}]},"status":{"phase":"Running"})"));
    }

    /// With one volume, "v".
    void add_plain_pod(const std::string& name,
                       const std::string& source,
                       const std::string& metadata = "",
                       const std::string& phase = "Running") {
        server.add("pods",
                   "shop",
                   name,
                   metadata,
                   concat(R"("spec":{"volumes":[{"name":"v",)",
                          source,
                          R"(}]},"status":{"phase":")",
                          phase,
                          R"("})"));
    }

    capture::VolumePlans plan(capture::VolumeMode mode = capture::VolumeMode::Auto) {
        kube::Client client(config(), client_options());
        capture::Scope scope;
        scope.namespaces = {"shop"};
        scope.volumes = mode;
        scope.volume_rules = rules;
        const capture::Names namespaces{"shop"};
        std::vector<capture::StoredClaim> claims;
        kube::ListOptions options;
        const volume::StorageApi api;
        kube::list_objects(
            client,
            api.claims,
            options,
            {[&](std::string_view item) {
                 const model::Object object(api.claims, std::string(item));
                 claims.push_back(capture::read_claim(capture::read_facts(object), object.json()));
             },
             {}});
        return capture::plan_volumes({client, scope, namespaces, objects}, claims, {});
    }

    capture::PlannedVolume only(capture::VolumeMode mode = capture::VolumeMode::Auto) {
        const auto plans = plan(mode);
        REQUIRE(plans.volumes.size() == 1);
        return plans.volumes.front();
    }

    std::vector<capture::VolumeRule> rules;
    capture::ObjectsByNamespace objects;
};

}  // namespace backup::testing
