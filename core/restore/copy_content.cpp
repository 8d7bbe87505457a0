// SPDX-License-Identifier: Apache-2.0
#include "core/restore/copy_content.hpp"

#include "core/base/error.hpp"
#include "core/base/stop_on_signal.hpp"
#include "core/base/task_group.hpp"
#include "core/view/volume_files.hpp"

#include <algorithm>

namespace backup::restore {

namespace {

constexpr std::size_t kPiece = 1U << 20U;

std::optional<std::string> copy_extent(view::Node& node,
                                       std::uint64_t begin,
                                       std::uint64_t end,
                                       volume::ContentSink& sink,
                                       Bytes& buffer,
                                       const std::stop_token& stop) {
    const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, end - begin));
    if (buffer.size() < room) {
        buffer.resize(room);
    }
    while (begin < end) {
        throw_if_stopped(stop);
        const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(room, end - begin));
        std::size_t count = 0;
        const auto failure =
            failure_of([&] { count = node.read(begin, std::span(buffer).first(want)); });
        if (failure && !concerns_one_file(*failure)) {
            throw *failure;
        }
        if (failure) {
            return failure->what();
        }
        if (count != want) {
            return "its content is shorter than its size";
        }
        sink.write(ByteView(buffer).first(want));
        begin += want;
    }
    return std::nullopt;
}

}  // namespace

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
                                        Bytes& buffer,
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
        if (auto reason = copy_extent(node, begin, end, sink, buffer, stop)) {
            return reason;
        }
        at = end;
    }
    return std::nullopt;
}

}  // namespace backup::restore
