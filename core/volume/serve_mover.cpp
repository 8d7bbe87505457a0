// SPDX-License-Identifier: Apache-2.0
#include "core/volume/serve_mover.hpp"

#include "core/base/error.hpp"
#include "core/volume/protocol.hpp"
#include "core/volume/read_volume.hpp"
#include "core/volume/write_volume.hpp"

namespace backup::volume {

void serve_mover(Channel& channel, Clock& clock, std::stop_token stop) {
    const auto message = channel.receive(stop);
    if (!message) {
        throw Error(ErrorCode::MoverFailed, "the client ended the transfer without a task");
    }
    switch (type_of(*message)) {
        case MessageType::ReadTask:
            read_volume(decode_read_task(*message), channel, clock, stop);
            break;
        case MessageType::WriteTask:
            write_volume(decode_write_task(*message), channel, stop);
            break;
        default:
            throw_unexpected(*message);
    }
    channel.finish(stop);
}

}  // namespace backup::volume
