// SPDX-License-Identifier: Apache-2.0
#include "core/capture/mover_slots.hpp"

#include "core/base/task_group.hpp"
#include "core/kube/refusal.hpp"

#include <optional>
#include <utility>

namespace backup::capture {

/// Says when its mover has gone.
class MoverSlots::Counted : public volume::Mover {
  public:
    Counted(MoverSlots& slots, std::string ns, std::unique_ptr<volume::Mover> mover)
        : slots_(slots),
          ns_(std::move(ns)),
          mover_(std::move(mover)) {}

    ~Counted() override {
        mover_.reset();
        leave();
    }

    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

    std::unique_ptr<volume::Channel> open_channel() override { return mover_->open_channel(); }

    std::string path_of(std::string_view claim) const override { return mover_->path_of(claim); }

    bool is_block(std::string_view claim) const override { return mover_->is_block(claim); }

    bool owns_mounts_below() const override { return mover_->owns_mounts_below(); }

    std::vector<std::string> other_volumes() const override { return mover_->other_volumes(); }

    volume::MoverEnd find_end() override { return mover_->find_end(); }

    volume::MoverIdentity identity() const override { return mover_->identity(); }

    void close() override {
        const auto failure = failure_of([this] { mover_->close(); });
        leave();
        if (failure) {
            throw Error(*failure);
        }
    }

  private:
    void leave() {
        if (!std::exchange(has_left_, true)) {
            slots_.note_gone(ns_, true);
        }
    }

    MoverSlots& slots_;
    std::string ns_;
    std::unique_ptr<volume::Mover> mover_;
    bool has_left_ = false;
};

std::unique_ptr<volume::Mover> MoverSlots::start(const std::string& ns,
                                                 const Start& start,
                                                 const std::stop_token& stop) {
    for (;;) {
        const auto seen = note_coming(ns);
        std::unique_ptr<volume::Mover> mover;
        const auto failure = failure_of([&] { mover = start(); });
        if (!failure) {
            return std::make_unique<Counted>(*this, ns, std::move(mover));
        }
        const bool is_about_room = kube::reason_of(*failure) == model::SkipReason::QuotaExceeded;
        // One that failed otherwise has had a pod, and made room.
        note_gone(ns, !is_about_room);
        if (!is_about_room || !wait_for_room(ns, seen, stop)) {
            throw Error(*failure);
        }
    }
}

/// Counts from before its start: its pod takes the room long before it runs.
std::uint64_t MoverSlots::note_coming(const std::string& ns) {
    auto namespaces = namespaces_.lock();
    auto& here = (*namespaces)[ns];
    ++here.movers;
    return here.gone;
}

/// False when there is nothing to wait for.
bool MoverSlots::wait_for_room(const std::string& ns,
                               std::uint64_t seen,
                               const std::stop_token& stop) {
    auto namespaces = namespaces_.lock();
    auto& here = (*namespaces)[ns];
    const bool is_awaited = changed_.wait(
        namespaces.guard(), stop, [&] { return here.gone != seen || here.movers == 0; });
    return is_awaited && here.gone != seen;
}

void MoverSlots::note_gone(const std::string& ns, bool makes_room) {
    {
        auto namespaces = namespaces_.lock();
        auto& here = (*namespaces)[ns];
        --here.movers;
        here.gone += makes_room ? 1U : 0U;
    }
    changed_.notify_all();
}

}  // namespace backup::capture
