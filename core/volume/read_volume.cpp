// SPDX-License-Identifier: Apache-2.0
#include "core/volume/read_volume.hpp"

#include "core/base/error.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/volume/content_stage.hpp"
#include "core/volume/directory_walker.hpp"
#include "core/volume/entry_sender.hpp"
#include "core/volume/file_attributes.hpp"
#include "core/volume/file_reader.hpp"

#include <cerrno>
#include <fcntl.h>
#include <limits>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace backup::volume {

namespace {

/// Files a reader takes at once: many small ones make one Content message.
constexpr std::size_t kFilesPerSlice = 128;
constexpr std::uint64_t kSliceBytes = 4U << 20U;
constexpr std::chrono::seconds kPulse{20};

using Slice = std::vector<FileToRead>;

struct ReadRun {
    ReadRun(const ReadTask& read_task, Channel& to_client, Clock& system_clock)
        : task(read_task),
          channel(to_client),
          clock(system_clock),
          stage(read_task, to_client, system_clock) {}

    const ReadTask& task;
    Channel& channel;
    Clock& clock;
    ContentStage stage;
    FileDescriptor root;
    std::uint64_t not_included = 0;  // set by the walk, read when all threads have ended
    // Bounded by the window of entries: a push from the receiving thread must never wait.
    BoundedQueue<Slice> slices{std::numeric_limits<std::size_t>::max()};
};

FileDescriptor open_root(const ReadTask& task) {
    if (!task.is_block_device) {
        return open_file(task.path, O_RDONLY | O_DIRECTORY);
    }
    FileDescriptor device(::open(task.path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!device && (errno == EACCES || errno == EPERM)) {
        throw Error(ErrorCode::Forbidden,
                    concat("the block device may not be opened by user ", ::geteuid()))
            .hint("Kubernetes gives devices to root, or to the group that fsGroup names");
    }
    return device ? std::move(device) : open_file(task.path, O_RDONLY);
}

std::uint64_t device_bytes(int device) {
    struct stat status {};

    if (::fstat(device, &status) != 0) {
        throw system_error(errno, "read the block device");
    }
    std::uint64_t size = static_cast<std::uint64_t>(status.st_size);
    if (S_ISBLK(status.st_mode) && ::ioctl(device, BLKGETSIZE64, &size) != 0) {
        throw system_error(errno, "ask the block device for its size");
    }
    return size;
}

void push_slices(ReadRun& run, std::vector<FileToRead> files) {
    Slice slice;
    std::uint64_t bytes = 0;
    for (FileToRead& file : files) {
        bytes += file.size;
        slice.push_back(std::move(file));
        if (slice.size() >= kFilesPerSlice || bytes >= kSliceBytes) {
            run.slices.push(std::exchange(slice, {}));
            bytes = 0;
        }
    }
    if (!slice.empty()) {
        run.slices.push(std::move(slice));
    }
}

/// Answers until the client has everything.
void receive_answers(ReadRun& run, EntrySender& entries, const std::stop_token& stop) {
    for (;;) {
        const auto message = run.channel.receive(stop);
        if (!message) {
            throw Error(ErrorCode::MoverFailed, "the client ended the transfer too early");
        }
        switch (type_of(*message)) {
            case MessageType::Wanted:
                push_slices(run, entries.take_wanted(decode_wanted(*message)));
                break;
            case MessageType::Released:
                entries.release(decode_number(*message));
                break;
            case MessageType::Missing:
                run.stage.answer(decode_missing(*message));
                break;
            case MessageType::ReadLimit:
                run.stage.set_read_limit(decode_number(*message));
                break;
            case MessageType::Complete:
                return;
            case MessageType::Failure:
                throw_failure(*message);
            default:
                throw_unexpected(*message);
        }
    }
}

void read_slices(ReadRun& run, const std::stop_token& stop) {
    FileReader reader(run.task, run.root.get(), run.stage, run.clock);
    while (const auto slice = run.slices.pop(stop)) {
        reader.read(*slice, stop);
        reader.flush(stop);
    }
}

void send_device(ReadRun& run, EntrySender& entries, const std::stop_token& stop) {
    struct stat status {};

    if (::fstat(run.root.get(), &status) != 0) {
        throw system_error(errno, "read the block device");
    }
    model::FileEntry entry = entry_from_stat({}, status);
    entry.type = model::FileType::Regular;
    entry.device_major = 0;
    entry.device_minor = 0;
    entry.has_link_group = false;
    entry.is_racy = true;  // times of a device node say nothing of its content
    entry.size = device_bytes(run.root.get());
    entries.file(entry, {});
    entries.flush();
    FileReader(run.task, run.root.get(), run.stage, run.clock)
        .read_device(run.root.get(), entry.size, stop);
}

void walk(ReadRun& run, EntrySender& entries, const std::stop_token& stop) {
    WalkOptions options;
    options.crosses_file_systems = run.task.crosses_file_systems;
    options.include = run.task.include;
    options.exclude = run.task.exclude;
    options.steps = &run.stage.steps();
    DirectoryWalker walker(run.root.get(), options, run.clock);
    walker.walk(entries, stop);
    run.not_included = walker.not_included();
    entries.flush();
}

ReadTotals totals_of(const ReadRun& run) {
    ReadTotals totals;
    totals.bytes_read = run.stage.bytes_read();
    totals.not_included = run.not_included;

    struct statvfs status {};

    if (run.task.is_block_device) {
        totals.used_bytes = device_bytes(run.root.get());
    } else if (::fstatvfs(run.root.get(), &status) == 0) {
        totals.used_bytes = (status.f_blocks - status.f_bfree) * status.f_frsize;
        totals.used_inodes = status.f_files - status.f_ffree;
    }
    return totals;
}

/// The client must hear of a failure before the others are stopped and the channel is cut.
template <typename Body>
std::function<void(std::stop_token)> reporting(Channel& channel, Body body) {
    return [&channel, body = std::move(body)](const std::stop_token& stop) {
        const auto failure = failure_of([&] { body(stop); });
        if (!failure) {
            return;
        }
        if (!stop.stop_requested()) {
            failure_of([&] { channel.send(encode_failure(*failure), stop); });
        }
        throw *failure;
    };
}

}  // namespace

void read_volume(const ReadTask& task,
                 Channel& channel,
                 Clock& clock,
                 std::stop_token stop,
                 const PulseSleep& sleep) {
    ReadRun run(task, channel, clock);
    TaskGroup group(std::move(stop));
    TaskGroup pulse;
    pulse.start([&, broken = group.stop_token()](const std::stop_token& token) {
        // Its own end must not break the channel in the middle of a message.
        while (sleep(kPulse, token) &&
               !failure_of([&] { channel.show_progress(run.stage.steps(), broken); })) {
        }
    });
    EntrySender entries(channel, task.batches_ahead, group.stop_token());
    group.start(reporting(channel, [&](const std::stop_token& token) {
        run.root = open_root(task);
        if (task.is_block_device) {
            send_device(run, entries, token);
            return;
        }
        for (std::uint32_t i = 0; i < task.readers; ++i) {
            group.start(
                reporting(channel, [&run](const std::stop_token& t) { read_slices(run, t); }));
        }
        walk(run, entries, token);
    }));
    for (std::uint32_t i = 0; i < task.packers; ++i) {
        group.start(
            reporting(channel, [&](const std::stop_token& token) { run.stage.pack(task, token); }));
    }
    group.start(reporting(channel, [&](const std::stop_token& token) {
        receive_answers(run, entries, token);
        run.slices.close();
        run.stage.close();
    }));
    group.wait();
    if (!run.stage.is_drained()) {
        throw Error(ErrorCode::CorruptData, "the client ended the transfer too early");
    }
    channel.send(encode_finished(totals_of(run)), group.stop_token());
}

}  // namespace backup::volume
