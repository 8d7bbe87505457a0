// SPDX-License-Identifier: Apache-2.0
#include "core/kube/chunk_pipe.hpp"

namespace backup::kube {

bool ChunkPipe::push(Bytes chunk) {
    bool was_empty = false;
    {
        auto state = state_.lock();
        changed_.wait(state.guard(), [&] { return state->is_closed || state->bytes < capacity_; });
        if (state->is_closed) {
            return false;
        }
        was_empty = state->chunks.empty();
        state->bytes += chunk.size();
        state->chunks.push_back(std::move(chunk));
    }
    if (was_empty) {
        wake_();
    }
    return true;
}

std::optional<Bytes> ChunkPipe::take(State& state) {
    if (state.chunks.empty()) {
        return std::nullopt;
    }
    auto chunk = std::move(state.chunks.front());
    state.chunks.pop_front();
    state.bytes -= chunk.size();
    return chunk;
}

std::optional<Bytes> ChunkPipe::pop() {
    std::optional<Bytes> chunk;
    bool should_wake = false;
    {
        auto state = state_.lock();
        changed_.wait(state.guard(), [&] { return state->is_closed || !state->chunks.empty(); });
        chunk = take(*state);
        if (state->is_wake_wanted && state->bytes <= capacity_ / 2) {
            state->is_wake_wanted = false;
            should_wake = true;
        }
    }
    if (should_wake) {
        wake_();
    }
    return chunk;
}

std::optional<Bytes> ChunkPipe::try_pop() {
    auto state = state_.lock();
    auto chunk = take(*state);
    // The writer sleeps until there is a good deal of room: fewer switches of threads.
    if (chunk && state->bytes <= capacity_ / 2) {
        changed_.notify_all();
    }
    return chunk;
}

void ChunkPipe::put(Bytes chunk) {
    auto state = state_.lock();
    if (state->is_discarding || state->is_closed) {
        return;
    }
    state->bytes += chunk.size();
    state->chunks.push_back(std::move(chunk));
    changed_.notify_all();
}

bool ChunkPipe::has_room() {
    auto state = state_.lock();
    const bool has_room = state->is_discarding || state->bytes < capacity_;
    state->is_wake_wanted = !has_room;
    return has_room;
}

void ChunkPipe::close() {
    auto state = state_.lock();
    state->is_closed = true;
    changed_.notify_all();
}

void ChunkPipe::discard() {
    {
        auto state = state_.lock();
        state->is_discarding = true;
        state->chunks.clear();
        state->bytes = 0;
    }
    wake_();
}

}  // namespace backup::kube
