// SPDX-License-Identifier: Apache-2.0
#include "core/restore/copy_content.hpp"

#include "core/base/error.hpp"
#include "core/base/stop_on_signal.hpp"
#include "core/base/task_group.hpp"
#include "core/view/volume_files.hpp"

#include <algorithm>

namespace backup::restore {

namespace {

constexpr std::uint64_t kLongBytes = 16U << 20U;

ByteChain read_piece(view::Node& node,
                     std::uint64_t begin,
                     std::size_t size,
                     ContentReading& reading) {
    if (reading.is_ahead) {
        return node.collect(begin, size);
    }
    if (reading.buffer.size() < size) {
        reading.buffer.resize(size);
    }
    const auto room = std::span(reading.buffer).first(size);
    return {{room.first(node.read(begin, room)), nullptr}};
}

std::optional<std::string> copy_extent(view::Node& node,
                                       std::uint64_t begin,
                                       std::uint64_t end,
                                       volume::ContentSink& sink,
                                       ContentReading& reading,
                                       const std::stop_token& stop) {
    while (begin < end) {
        throw_if_stopped(stop);
        std::uint64_t want = 0;
        ByteChain pieces;
        const auto failure = failure_of([&] {
            want = std::min(node.piece_end(begin), end) - begin;
            pieces = read_piece(node, begin, want, reading);
        });
        if (failure && !concerns_one_file(*failure)) {
            throw *failure;
        }
        if (failure) {
            return failure->what();
        }
        if (size_of(pieces) != want || want == 0) {
            return "its content is shorter than its size";
        }
        for (const auto& piece : pieces) {
            sink.write(piece.bytes);
        }
        begin += want;
    }
    return std::nullopt;
}

}  // namespace

bool concerns_one_file(const Error& error) {
    return error.code() == ErrorCode::CorruptData || error.code() == ErrorCode::NotFound ||
           error.code() == ErrorCode::Io;
}

bool is_long(const model::FileEntry& entry) {
    return entry.size >= kLongBytes;
}

model::FileEntry attributes_of(view::Node& node) {
    const auto* file = dynamic_cast<const view::VolumeFile*>(&node);
    return file != nullptr ? file->entry().attributes : node.info().attributes;
}

std::optional<std::string> copy_content(view::Node& node,
                                        const model::FileEntry& entry,
                                        volume::ContentSink& sink,
                                        ContentReading& reading,
                                        const std::stop_token& stop) {
    std::uint64_t at = 0;
    while (at < entry.size) {
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
        const auto failure = failure_of([&] {
            begin = std::min(node.seek_data(at).value_or(entry.size), entry.size);
            end = begin < entry.size ? std::min(node.seek_hole(begin), entry.size) : entry.size;
        });
        if (failure) {
            return failure->what();
        }
        if (begin < at || end < begin || (end == at && begin == at)) {
            return "its extents are damaged";
        }
        if (begin > at) {
            sink.skip(begin - at);
        }
        if (auto reason = copy_extent(node, begin, end, sink, reading, stop)) {
            return reason;
        }
        at = end;
    }
    return std::nullopt;
}

}  // namespace backup::restore
