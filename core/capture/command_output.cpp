// SPDX-License-Identifier: Apache-2.0
#include "core/capture/command_output.hpp"

#include "core/base/stop_on_signal.hpp"
#include "core/base/task_group.hpp"
#include "core/content/chunker.hpp"
#include "core/content/frame_group.hpp"

#include <atomic>
#include <optional>
#include <utility>

namespace backup::capture {

namespace {

constexpr std::uint64_t kGroupBytes = 4U << 20U;

/// Tells failures of the repository from those of the command.
class GuardedSink : public ByteSink {
  public:
    explicit GuardedSink(ByteSink& sink) : sink_(sink) {}

    void write(ByteView bytes) override {
        failure_ = failure_of([&] { sink_.write(bytes); });
        if (failure_) {
            throw Error(*failure_);
        }
    }

    const std::optional<Error>& failure() const { return failure_; }

  private:
    ByteSink& sink_;
    std::optional<Error> failure_;
};

}  // namespace

struct ContentSink::State {
    State(const repository::Repository& repository, repository::Writer& to, int level)
        : parameters(repository.parameters()),
          writer(to),
          hasher(repository.keys().chunk_id),
          chunker(repository.keys().chunker, parameters.chunker),
          group(parameters.frame_bytes, level, to.verifies_writes()) {}

    /// What is waiting, from `begin` on.
    ByteView rest() const { return ByteView(waiting).subspan(begin); }

    void take_chunk(std::size_t length) {
        const auto chunk = rest().first(length);
        const auto id = hasher(content::ChunkKind::Data, chunk);
        if (writer.claim(id.short_id())) {
            group.add(id, content::ChunkKind::Data, chunk);
            if (group.plain_bytes() >= kGroupBytes) {
                flush();
            }
        }
        done += length;
        content.extents.push_back({id.short_id(), done});
        begin += length;
    }

    void flush() {
        if (!group.empty()) {
            writer.add_group(group.take(), repository::PackKind::Data);
        }
    }

    void make_room() {
        waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(begin));
        begin = 0;
    }

    repository::Parameters parameters;
    repository::Writer& writer;
    content::ChunkHasher hasher;
    content::Chunker chunker;
    content::FrameGroupBuilder group;
    Bytes waiting;
    std::size_t begin = 0;
    std::uint64_t done = 0;
    repository::FileContent content;
};

ContentSink::ContentSink(const repository::Repository& repository,
                         repository::Writer& writer,
                         int compression_level)
    : state_(std::make_unique<State>(repository, writer, compression_level)) {}

ContentSink::~ContentSink() = default;

std::uint64_t ContentSink::size() const {
    return state_->done + state_->rest().size();
}

void ContentSink::write(ByteView bytes) {
    auto& state = *state_;
    const std::size_t full = state.parameters.chunker.max_bytes;
    while (!bytes.empty()) {
        if (state.waiting.size() >= 2 * full) {
            state.make_room();
        }
        const auto piece = bytes.first(std::min(bytes.size(), 2 * full - state.waiting.size()));
        bytes = bytes.subspan(piece.size());
        state.waiting.insert(state.waiting.end(), piece.begin(), piece.end());
        while (state.rest().size() >= full) {
            state.take_chunk(state.chunker.next_cut(state.rest(), false));
        }
    }
}

repository::FileContent ContentSink::finish() {
    auto& state = *state_;
    const auto is_first = state.content.extents.empty();
    if (is_first && state.rest().size() <= state.parameters.inline_limit_bytes) {
        state.content.inline_bytes = as_text(state.rest());
        return std::move(state.content);
    }
    if (is_first && state.rest().size() <= state.parameters.chunker.single_chunk_bytes()) {
        state.take_chunk(state.rest().size());
    }
    while (!state.rest().empty()) {
        state.take_chunk(state.chunker.next_cut(state.rest(), true));
    }
    state.flush();
    return std::move(state.content);
}

namespace {

class OutputRun {
  public:
    OutputRun(const OutputContext& context, const PlannedOutput& plan)
        : context_(context),
          plan_(plan) {}

    void run(const std::stop_token& stop) {
        throw_if_stopped(stop);
        ContentSink sink(context_.repository, context_.writer, context_.compression_level);
        GuardedSink guarded(sink);
        const bool is_good = run_hook(context_.hooks, plan_.hook, &guarded, stop, record_);
        if (guarded.failure()) {
            throw Error(*guarded.failure());
        }
        throw_if_stopped(stop);
        CommandOutput file;
        file.ns = record_.name_space;
        file.name = plan_.file_name;
        file.bytes = sink.size();
        file.time_ns = context_.hooks.clock.now().time_since_epoch().count();
        file.content = sink.finish();
        if (is_good) {
            context_.hooks.progress.advance(1, file.bytes);
            file_ = std::move(file);
        }
    }

    void hand_over(CommandOutputs& to) {
        to.records.push_back(std::move(record_));
        if (file_) {
            to.files.push_back(std::move(*file_));
        }
    }

  private:
    const OutputContext& context_;
    const PlannedOutput& plan_;
    model::HookRecord record_;
    std::optional<CommandOutput> file_;
};

}  // namespace

CommandOutputs store_outputs(const OutputContext& context,
                             const std::vector<PlannedOutput>& plan,
                             const std::stop_token& stop) {
    std::vector<OutputRun> runs;
    for (const auto& output : plan) {
        runs.emplace_back(context, output);
    }
    std::atomic<std::size_t> next = 0;
    TaskGroup tasks(stop);
    for (unsigned i = 0; i < context.at_once; ++i) {
        tasks.start([&](const std::stop_token& token) {
            for (std::size_t at = next++; at < runs.size(); at = next++) {
                runs[at].run(token);
            }
        });
    }
    tasks.wait();
    CommandOutputs outputs;
    for (auto& run : runs) {
        run.hand_over(outputs);
    }
    return outputs;
}

}  // namespace backup::capture
