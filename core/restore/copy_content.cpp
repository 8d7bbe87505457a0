// SPDX-License-Identifier: Apache-2.0
#include "core/restore/copy_content.hpp"

#include "core/view/volume_files.hpp"

namespace backup::restore {

bool concerns_one_file(const Error& error) {
    return error.code() == ErrorCode::CorruptData || error.code() == ErrorCode::NotFound ||
           error.code() == ErrorCode::Io;
}

model::FileEntry attributes_of(view::Node& node) {
    const auto* file = dynamic_cast<const view::VolumeFile*>(&node);
    return file != nullptr ? file->entry().attributes : node.info().attributes;
}

std::optional<std::string> copy_content(view::Node& node,
                                        const model::FileEntry& entry,
                                        volume::ContentSink& sink,
                                        view::ContentReading& reading,
                                        const std::stop_token& stop) {
    const auto copy = [&](const view::ContentRun& run) {
        if (run.hole_bytes > 0) {
            sink.skip(run.hole_bytes);
        }
        for (const auto& piece : run.data) {
            sink.write(piece.bytes);
        }
    };
    const auto failure = view::read_content(node, entry.size, reading, stop, copy);
    if (failure && !concerns_one_file(*failure)) {
        throw Error(*failure);
    }
    return failure ? std::optional<std::string>(failure->what()) : std::nullopt;
}

}  // namespace backup::restore
