// SPDX-License-Identifier: Apache-2.0
// Puts a real mover beside a volume of a real cluster, for people and for end-to-end tests:
//   mover_probe read NAMESPACE CLAIM [IMAGE]     lists the volume; the content of small files too
//   mover_probe hold NAMESPACE CLAIM [read|write]   starts the mover, keeps its channel until its
//                                                   standard input ends (or it is killed)
//   mover_probe cleanup [--dry-run] [--force] [NAMESPACE...]
#include "core/base/file_descriptor.hpp"
#include "core/base/stop_on_signal.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/kube/kubeconfig.hpp"
#include "core/volume/leftovers.hpp"
#include "core/volume/pod_mover.hpp"
#include "core/volume/protocol.hpp"
#include "plugin/mover/embedded_mover.hpp"

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <poll.h>
#include <unistd.h>

namespace {

using namespace backup;
using volume::MessageType;
using Words = std::vector<std::string>;

class Notes : public NullProgress {
  public:
    void note(std::string_view text) override { std::cerr << text << "\n"; }
};

/// The simplest client there can be: it wants everything and keeps nothing.
class Reader {
  public:
    Reader(volume::Channel& channel, std::stop_token stop) : channel_(channel), stop_(stop) {}

    void read(const volume::ReadTask& task) {
        channel_.send(encode_read_task(task), stop_);
        while (!is_done()) {
            take(next());
        }
        channel_.send(volume::encode_number(MessageType::Complete, entries_), stop_);
        const auto totals = decode_finished(next());
        channel_.finish(stop_);
        std::cout << entries_ << " entries, " << files_ended_ << " files, " << plain_bytes_
                  << " bytes in chunks, " << stored_bytes_ << " sent, " << totals.bytes_read
                  << " read, " << problems_ << " problems\n";
    }

  private:
    bool is_done() const {
        return depth_ == 0 && entries_ > 0 && files_ended_ == files_ && chunks_ == chunks_wanted_;
    }

    volume::Message next() {
        auto message = channel_.receive(stop_);
        if (!message) {
            throw Error(ErrorCode::MoverFailed, "the mover ended early");
        }
        if (type_of(*message) == MessageType::Failure) {
            throw_failure(*message);
        }
        return std::move(*message);
    }

    void take(volume::Message message) {
        switch (type_of(message)) {
            case MessageType::Entries:
                take_entries(message);
                break;
            case MessageType::Content:
                take_content(message);
                break;
            case MessageType::Frames: {
                const auto group = decode_frames(std::move(message));
                chunks_ += group.chunks.size();
                plain_bytes_ += group.plain_bytes();
                stored_bytes_ += group.stored_bytes();
                break;
            }
            default:
                throw_unexpected(message);
        }
    }

    void take_entries(const volume::Message& message) {
        volume::Wanted wanted;
        wanted.batch = batches_++;
        std::uint16_t position = 0;
        for (const auto& item : decode_entries(message)) {
            if (const auto* entry = std::get_if<volume::EntryItem>(&item)) {
                show(entry->entry);
                problems_ += entry->problem.empty() ? 0U : 1U;
                if (entry->entry.type == model::FileType::Regular && !entry->same_as) {
                    wanted.positions.push_back(position);
                    ++files_;
                }
                ++position;
                ++entries_;
            } else if (const auto* problem = std::get_if<volume::WalkProblem>(&item)) {
                std::cout << "problem: " << problem->path << ": " << problem->message << "\n";
                ++problems_;
            } else {
                --depth_;
            }
        }
        channel_.send(encode_wanted(wanted), stop_);
        channel_.send(volume::encode_number(MessageType::Released, batches_), stop_);
    }

    void show(const model::FileEntry& entry) {
        if (entry.type == model::FileType::Directory) {
            ++depth_;
        }
        std::cout << std::oct << entry.mode << std::dec << " " << entry.uid << ":" << entry.gid
                  << " " << entry.size << " " << printable(entry.name) << "\n";
    }

    void take_content(const volume::Message& message) {
        const auto batch = decode_content(message);
        volume::Missing missing;
        missing.batch = batch.number;
        for (const auto& item : batch.items) {
            if (std::holds_alternative<volume::ChunkItem>(item)) {
                missing.send.push_back(true);
                ++chunks_wanted_;
            } else if (const auto* text = std::get_if<volume::InlineItem>(&item)) {
                std::cout << "content: " << printable(text->bytes) << "\n";
            } else if (const auto* end = std::get_if<volume::FileEnd>(&item)) {
                ++files_ended_;
                problems_ += end->unreadable.empty() ? 0U : 1U;
                if (!end->unreadable.empty()) {
                    std::cout << "unreadable: " << end->unreadable << "\n";
                }
            }
        }
        if (!missing.send.empty()) {
            channel_.send(encode_missing(missing), stop_);
        }
    }

    volume::Channel& channel_;
    std::stop_token stop_;
    std::uint64_t batches_ = 0;
    std::uint64_t entries_ = 0;
    std::uint64_t files_ = 0;
    std::uint64_t files_ended_ = 0;
    std::uint64_t plain_bytes_ = 0;
    std::uint64_t stored_bytes_ = 0;
    std::uint64_t problems_ = 0;
    std::uint64_t chunks_ = 0;
    std::uint64_t chunks_wanted_ = 0;
    std::int64_t depth_ = 0;
};

volume::MoverOwner make_owner() {
    SystemRandom random;
    return volume::make_mover_owner(random);
}

volume::PodMover start_mover(kube::Client& client, volume::PodMoverRequest request) {
    const auto begin = std::chrono::steady_clock::now();
    volume::PodMover mover(client, plugin::embedded_mover(), std::move(request));
    std::cerr << "pod " << mover.pod_name() << " runs as " << name_of(mover.identity()) << " after "
              << std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count()
              << " s\n";
    return mover;
}

volume::PodMoverRequest make_request(const Words& words, Notes& notes, std::stop_token stop) {
    volume::PodMoverRequest request;
    request.ns = words.at(0);
    request.claims = {words.at(1)};
    request.owner = make_owner();
    request.progress = &notes;
    request.stop = std::move(stop);
    return request;
}

int read(kube::Client& client, const Words& words, const std::stop_token& stop) {
    Notes notes;
    auto request = make_request(words, notes, stop);
    request.image = words.size() > 2 ? words[2] : "";
    auto mover = start_mover(client, std::move(request));
    volume::ReadTask task;
    SystemRandom random;
    random.fill(task.chunk_id_key);
    random.fill(task.chunker_key);
    task.path = mover.path_of(words.at(1));
    task.is_block_device = mover.is_block(words.at(1));
    {
        const auto channel = mover.open_channel();
        Reader(*channel, stop).read(task);
    }
    mover.close();
    return 0;
}

int hold(kube::Client& client, const Words& words, const std::stop_token& stop) {
    Notes notes;
    auto request = make_request(words, notes, stop);
    if (words.size() > 2 && words[2] == "write") {
        request.access = volume::VolumeAccess::Write;
    }
    auto mover = start_mover(client, std::move(request));
    auto channel = mover.open_channel();
    std::cout << mover.pod_name() << std::endl;
    constexpr int kLookEveryMs = 200;
    pollfd input{STDIN_FILENO, POLLIN, 0};
    while (!stop.stop_requested() && ::poll(&input, 1, kLookEveryMs) == 0) {
    }
    channel.reset();
    mover.close();
    return 0;
}

int clean(kube::Client& client, const Words& words, const std::stop_token& stop) {
    volume::CleanUpOptions options;
    options.self = make_owner();
    options.stop = stop;
    for (const auto& word : words) {
        if (word == "--dry-run") {
            options.dry_run = true;
        } else if (word == "--force") {
            options.force = true;
        } else {
            options.namespaces.push_back(word);
        }
    }
    const auto result = clean_up(client, options);
    for (const auto& leftover : result.leftovers) {
        std::cout << (leftover.is_removed ? "removed " : "spared ") << leftover.kind << " "
                  << leftover.ns << "/" << leftover.name << ": " << leftover.reason << "\n";
    }
    for (const auto& problem : result.problems) {
        std::cout << "problem: " << problem.subject << ": " << problem.message << "\n";
    }
    return result.problems.empty() ? 0 : 3;
}

int run(const std::string& verb, const Words& words) {
    kube::Environment environment;
    environment.variable = [](std::string_view name) -> std::optional<std::string> {
        const char* value = std::getenv(std::string(name).c_str());
        return value == nullptr ? std::nullopt : std::optional<std::string>(value);
    };
    const Log log([](std::string_view line) { std::cerr << line << "\n"; },
                  std::getenv("PROBE_DEBUG") == nullptr ? LogLevel::Warn : LogLevel::Debug);
    kube::ClientOptions options;
    options.log = &log;
    kube::Client client(kube::load_cluster_config({}, environment), options);
    const StopOnSignal signals;
    if (verb == "read") {
        return read(client, words, signals.token());
    }
    if (verb == "hold") {
        return hold(client, words, signals.token());
    }
    if (verb == "cleanup") {
        return clean(client, words, signals.token());
    }
    std::cerr << "see the head of mover_probe.cpp\n";
    return 2;
}

}  // namespace

int main(int argc, char** argv) {
    const Words words(argv + 1, argv + argc);
    int code = 2;
    const auto failure = failure_of(
        [&] { code = words.empty() ? 2 : run(words[0], Words(words.begin() + 1, words.end())); });
    if (failure) {
        std::cerr << "error: " << failure->what() << "\nhint: " << failure->hint() << "\n";
        return failure->exit_code();
    }
    return code;
}
