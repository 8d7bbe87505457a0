// SPDX-License-Identifier: Apache-2.0
#include "core/capture/claim_mover.hpp"

#include "core/volume/container_mover.hpp"
#include "core/volume/pod_mover.hpp"

namespace backup::capture {

std::unique_ptr<volume::Mover> start_claim_mover(const ClaimVolumesContext& context,
                                                 const MoverOrder& order,
                                                 const std::stop_token& stop) {
    if (context.start_mover) {
        return context.start_mover(order, stop);
    }
    if (!order.pod.empty()) {
        volume::ContainerMoverRequest request;
        request.ns = order.ns;
        request.pod = order.pod;
        request.volume = order.pod_volume;
        request.image = context.mover_image;
        request.progress = &context.progress;
        request.stop = stop;
        request.owner = context.owner;
        request.on_leftover = order.on_leftover;
        return std::make_unique<volume::ContainerMover>(context.client, context.program, request);
    }
    volume::PodMoverRequest request;
    request.ns = order.ns;
    for (const auto& claim : order.claims) {
        request.claims.push_back(claim.name);
    }
    request.facts = order.claims;
    request.access = volume::VolumeAccess::Read;
    request.owner = context.owner;
    request.image = context.mover_image;
    request.node_images = context.node_images;
    request.progress = &context.progress;
    request.stop = stop;
    request.on_leftover = order.on_leftover;
    return std::make_unique<volume::PodMover>(context.client, context.program, request);
}

}  // namespace backup::capture
