// SPDX-License-Identifier: Apache-2.0
// What a volume of a pod is that no claim stands for, by the member of its source ("nfs",
// "emptyDir") and its CSI driver. Knows no cluster and decides nothing; docs/volumes.md.
#pragma once

#include <string>
#include <string_view>

namespace backup {
class Json;
}

namespace backup::capture {

enum class PodVolumeKind {
    Shown,    // what is stored elsewhere, or made again: objects, images, identities
    Scratch,  // goes with its pod: emptyDir
    OfNode,   // a folder of whichever cluster node the pod is on: hostPath
    Stored,   // data behind the pod: nfs, csi, a cloud's disk
    Unknown,
};

/// The member that says what a volume of a pod, or the spec of a PersistentVolume, is; empty: none
/// that is known.
std::string find_source_type(const Json& source);

PodVolumeKind kind_of_pod_volume(std::string_view type, std::string_view driver);

/// False only when a pod, as the API server writes it, has no volume of kind Stored: without
/// parsing, for clusters have many pods.
bool may_have_stored_volume(std::string_view pod);

}  // namespace backup::capture
