// SPDX-License-Identifier: Apache-2.0
// `cp POINT:PATH NAMESPACE/POD[/CONTAINER]:/path`: files of a recovery point into a running pod. A
// path on a PersistentVolumeClaim is written by a mover pod; any other by the container's own tar.
#pragma once

#include "core/base/progress.hpp"
#include "core/kube/client.hpp"
#include "core/view/node.hpp"
#include "core/volume/mover_owner.hpp"
#include "core/volume/mover_program.hpp"
#include "core/volume/tree_sink.hpp"

#include <optional>
#include <stop_token>
#include <string>

namespace backup::restore {

struct PodCopy {
    std::string ns;
    std::string pod;
    std::string container;  // empty: the pod's default
    std::string path;       // absolute, in the container
    view::NodePointer node;
    std::string name;  // of what is copied: used when `path` is a directory
    std::string mover_image;
    volume::MoverOwner owner;
    Progress* progress = nullptr;
};

struct PodCopyResult {
    volume::SinkResult written;
    bool used_mover = false;  // false: tar in the container
};

/// Files are replaced, each at once (with tar: one after the other, not at once). Owner, mode,
/// times, extended attributes and links are kept; with tar as far as the container's user and tar
/// allow. Throws KubeNotFound (pod or container), Unsupported (neither way is possible; says why),
/// InvalidArgument (path not absolute), and what mover and exec throw.
PodCopyResult copy_into_pod(kube::Client& client,
                            const volume::MoverProgram& program,
                            PodCopy copy,
                            std::stop_token stop);

/// The claim under a path of a container, when the path lies on one.
struct ClaimPath {
    std::string claim;
    std::string below;  // path inside the volume
    bool is_read_only = false;

    bool operator==(const ClaimPath&) const = default;
};

/// `pod` as the API server gives it. Throws KubeNotFound when there is no such container. A mount
/// whose place in the volume is not known from here (subPathExpr) is Unsupported.
std::optional<ClaimPath> find_claim_path(const Json& pod,
                                         const std::string& container,
                                         std::string_view path);

}  // namespace backup::restore
