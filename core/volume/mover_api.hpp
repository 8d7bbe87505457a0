// SPDX-License-Identifier: Apache-2.0
// The few resources of the core group that a mover needs: every API server has them, so nobody has
// to discover them first.
#pragma once

#include "core/model/api_resource.hpp"

namespace backup::volume {

enum class IsNamespaced : bool { No, Yes };

inline model::ApiResource core_resource(const char* kind,
                                        const char* plural,
                                        IsNamespaced is_namespaced = IsNamespaced::Yes) {
    model::ApiResource resource;
    resource.version = "v1";
    resource.kind = kind;
    resource.plural = plural;
    resource.namespaced = is_namespaced == IsNamespaced::Yes;
    return resource;
}

struct MoverApi {
    model::ApiResource pods = core_resource("Pod", "pods");
    model::ApiResource config_maps = core_resource("ConfigMap", "configmaps");
    model::ApiResource claims = core_resource("PersistentVolumeClaim", "persistentvolumeclaims");
    model::ApiResource events = core_resource("Event", "events");
    model::ApiResource namespaces = core_resource("Namespace", "namespaces", IsNamespaced::No);
    model::ApiResource volumes =
        core_resource("PersistentVolume", "persistentvolumes", IsNamespaced::No);
    model::ApiResource nodes = core_resource("Node", "nodes", IsNamespaced::No);
};

}  // namespace backup::volume
