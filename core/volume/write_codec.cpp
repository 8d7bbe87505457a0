// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/volume/protocol.hpp"

namespace backup::volume {

namespace {

constexpr unsigned kOverwrites = 1;
constexpr unsigned kOwners = 2;
constexpr unsigned kRoot = 4;
constexpr unsigned kSpecialFiles = 8;
constexpr unsigned kSelinux = 16;

constexpr std::uint32_t kMostProblems = 1000;

}  // namespace

Message encode_write_task(const WriteTask& task) {
    ByteWriter out;
    unsigned flags = 0;
    flags |= task.options.overwrites ? kOverwrites : 0;
    flags |= task.options.restores_owners ? kOwners : 0;
    flags |= task.options.restores_root ? kRoot : 0;
    flags |= task.options.restores_special_files ? kSpecialFiles : 0;
    flags |= task.options.restores_selinux ? kSelinux : 0;
    out.number(std::uint32_t{flags});
    out.sized(task.path);
    out.sized(task.below);
    out.sized(task.name);
    return Message{static_cast<std::uint8_t>(MessageType::WriteTask), out.take(), {}};
}

WriteTask decode_write_task(const Message& message) {
    ByteReader in(message.payload, "write task");
    WriteTask task;
    const auto flags = in.number<std::uint32_t>();
    task.options.overwrites = (flags & kOverwrites) != 0;
    task.options.restores_owners = (flags & kOwners) != 0;
    task.options.restores_root = (flags & kRoot) != 0;
    task.options.restores_special_files = (flags & kSpecialFiles) != 0;
    task.options.restores_selinux = (flags & kSelinux) != 0;
    task.path = in.sized_text();
    task.below = in.sized_text();
    task.name = in.sized_text();
    in.expect_end();
    if (!task.name.empty() && !model::is_valid_name(task.name)) {
        throw Error(ErrorCode::CorruptData, "task with an invalid name");
    }
    return task;
}

Message encode_write_done(const SinkResult& result) {
    ByteWriter out;
    out.number(result.files);
    out.number(result.directories);
    out.number(result.bytes);
    out.number(result.problem_count);
    out.number(static_cast<std::uint32_t>(result.problems.size()));
    for (const Problem& problem : result.problems) {
        out.sized(problem.subject);
        out.sized(problem.message);
    }
    return Message{static_cast<std::uint8_t>(MessageType::WriteDone), out.take(), {}};
}

SinkResult decode_write_done(const Message& message) {
    ByteReader in(message.payload, "totals of the mover");
    SinkResult result;
    result.files = in.number<std::uint64_t>();
    result.directories = in.number<std::uint64_t>();
    result.bytes = in.number<std::uint64_t>();
    result.problem_count = in.number<std::uint64_t>();
    const auto count = in.number<std::uint32_t>();
    if (count > kMostProblems) {
        throw Error(ErrorCode::CorruptData, "totals of the mover with too many problems");
    }
    for (std::uint32_t i = 0; i < count; ++i) {
        Problem problem;
        problem.subject = printable(in.sized_text());
        problem.message = printable(in.sized_text());
        result.problems.push_back(std::move(problem));
    }
    in.expect_end();
    return result;
}

}  // namespace backup::volume
