// SPDX-License-Identifier: Apache-2.0
#include "core/restore/file_crew.hpp"

#include "core/base/stop_on_signal.hpp"
#include "core/volume/file_target.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace backup::restore {

namespace {

// Neighbours of the tree share frames: a batch is decoded by one thread, and ends early enough for
// the threads to share the work. Every directory in it keeps a descriptor open.
constexpr std::size_t kBatchFiles = 48;
constexpr std::uint64_t kBatchBytes = 1U << 20U;
constexpr std::size_t kWaitingBatches = 6;
constexpr unsigned kMostWorkers = 8;

}  // namespace

FileCrew::FileCrew(std::stop_token stop, Progress* progress)
    : stop_(stop),
      progress_(progress),
      batches_(kWaitingBatches),
      workers_(std::move(stop)) {
    const unsigned count = std::clamp(std::thread::hardware_concurrency(), 2U, kMostWorkers);
    for (unsigned i = 0; i < count; ++i) {
        workers_.start([this](const std::stop_token& asked) { work(asked); });
    }
}

FileCrew::~FileCrew() {
    batches_.close();
}

void FileCrew::write(volume::DirectoryTargetPointer directory,
                     view::NodePointer node,
                     model::FileEntry entry) {
    // Attributes count too: many entries may share long ones.
    batch_bytes_ += std::min(entry.size, kBatchBytes) + node->held_bytes();
    batch_.push_back({std::move(directory), std::move(node), std::move(entry)});
    if (batch_.size() >= kBatchFiles || batch_bytes_ >= kBatchBytes) {
        send_batch();
    }
}

void FileCrew::send_batch() {
    batch_bytes_ = 0;
    if (!batches_.push(std::exchange(batch_, {}), workers_.stop_token())) {
        workers_.wait();
        throw_if_stopped(stop_);
    }
}

void FileCrew::finish() {
    send_batch();
    batches_.close();
    workers_.wait();
    throw_if_stopped(stop_);
}

void FileCrew::work(const std::stop_token& stop) {
    view::ContentReading reading;
    while (auto batch = batches_.pop(stop)) {
        for (File& file : *batch) {
            throw_if_stopped(stop);
            write_file(file, reading, stop);
            if (progress_ != nullptr) {
                progress_->advance(1, file.entry.size);
            }
            file = {};
        }
    }
}

void FileCrew::write_file(File& file, view::ContentReading& reading, const std::stop_token& stop) {
    std::unique_lock ahead(reading_ahead_, std::defer_lock);
    reading.is_ahead = view::is_long(file.entry.size) && ahead.try_lock();
    volume::FileTarget target(file.directory, file.entry);
    if (const auto reason = copy_content(*file.node, file.entry, target, reading, stop)) {
        target.abandon(*reason);
    } else {
        target.end();
    }
}

}  // namespace backup::restore
