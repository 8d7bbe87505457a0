// SPDX-License-Identifier: Apache-2.0
#include "core/capture/volume_reader.hpp"

#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/kube/refusal.hpp"

#include <utility>

namespace backup::capture {

namespace {

constexpr RetryPolicy kAttempts{
    4, std::chrono::milliseconds(500), std::chrono::milliseconds(8'000)};

model::SkipReason reason_of(const Error& error, const volume::MoverEnd& end) {
    if (end.has_ended) {
        return end.is_node_gone ? model::SkipReason::NodeUnavailable
                                : model::SkipReason::MoverFailed;
    }
    // What an API server says that is there itself, but not the kubelet (upgradeaware.go).
    if (error.code() == ErrorCode::KubeServerError &&
        error.message().find("error dialing backend") != std::string_view::npos) {
        return model::SkipReason::NodeUnavailable;
    }
    const bool is_stream = error.code() == ErrorCode::ExecFailed ||
                           (error.code() == ErrorCode::CorruptData && error.is_retryable());
    return is_stream ? model::SkipReason::StreamBroken : kube::reason_of(error);
}

Error with_end(const Error& error, const volume::MoverEnd& end) {
    if (!end.has_ended || end.why.empty()) {
        return error;
    }
    Error told(error.code() == ErrorCode::CorruptData ? ErrorCode::MoverFailed : error.code(),
               concat(end.is_node_gone ? "the mover is lost: " : "the mover was ended: ",
                      printable(end.why),
                      " (",
                      error.message(),
                      ")"));
    return end.is_node_gone ? std::move(told).hint(
                                  "the volume can be read again when its cluster "
                                  "node is back, or from a volume snapshot")
                            : told;
}

class Attempts {
  public:
    Attempts(const ClaimVolumesContext& context,
             SharedMover& mover,
             const VolumeToRead& volume,
             model::SkipReason& reason,
             const std::stop_token& stop)
        : context_(context),
          mover_(mover),
          volume_(volume),
          reason_(reason),
          stop_(stop) {}

    CapturedVolume run() {
        for (int attempt = 1;; ++attempt) {
            std::optional<CapturedVolume> captured;
            std::shared_ptr<volume::Mover> mover;
            is_reading_ = false;
            StallWatch watch(context_.stall);
            const auto failure = failure_of([&] {
                mover = mover_.get(attempt);
                const auto channel = mover_.open_channel(*mover);
                enter_gate();
                is_reading_ = true;
                auto capture = options(*mover);
                capture.stall_watch = &watch;
                captured = capture_volume(*channel, capture, stop_);
            });
            if (!failure) {
                return std::move(*captured);
            }
            if (is_refused_) {
                reason_ = model::SkipReason::HookFailed;
                throw Error(*failure);
            }
            is_stalled_ = watch.has_stalled();
            const auto told = settle(*failure, mover, attempt);
            context_.progress.note(concat("reading volume ",
                                          volume_.plan.record.name_space,
                                          "/",
                                          volume_.plan.record.claim,
                                          " again: ",
                                          told.message()));
            if (!context_.sleep(pause_before(kAttempts, attempt), stop_)) {
                throw Error(ErrorCode::Interrupted, "interrupted");
            }
        }
    }

  private:
    /// Only now, so that the application does not wait for a helper to start.
    void enter_gate() {
        if (volume_.pass == nullptr) {
            return;
        }
        if (const auto refusal = volume_.pass->enter(stop_)) {
            is_refused_ = true;
            throw refused_by_hook(*refusal);
        }
    }

    VolumeCapture options(const volume::Mover& mover) const {
        const auto& record = volume_.plan.record;
        VolumeSource source;
        source.path = mover.path_of(volume_.claim);
        source.is_block_device = mover.is_block(volume_.claim);
        source.crosses_file_systems = mover.owns_mounts_below();
        source.other_volumes = mover.other_volumes();
        source.include = volume_.plan.include;
        source.exclude = volume_.plan.exclude;
        for (const auto& path : source.other_volumes) {
            // One of the same file system looks like a directory of this volume.
            source.exclude.push_back(concat("/", path));
        }
        return {context_.repository,
                context_.writer,
                context_.clock,
                std::move(source),
                context_.previous.find_volume(record.name_space, record.claim),
                context_.compression_level,
                true,
                &context_.progress,
                context_.read_rate};
    }

    /// Returns when the next attempt may help; throws otherwise.
    Error settle(const Error& error, const std::shared_ptr<volume::Mover>& mover, int attempt) {
        volume::MoverEnd end;
        reason_ = reason_of(error, end);
        if (stop_.stop_requested() || ends_the_run(error.code())) {
            throw Error(error);
        }
        const auto blindness = mover ? failure_of([&] { end = mover_.look_after(mover); })
                                     : std::nullopt;  // it could not be started
        // While the device is read a refusal is that of the device, not of the API server.
        reason_ = is_reading_ && mover && mover->is_block(volume_.claim) &&
                          error.code() == ErrorCode::Forbidden
                      ? model::SkipReason::BlockWithoutAccess
                      : reason_of(error, end);
        const auto told = with_end(error, end);
        // What does not answer one mover does not answer the next, and the application may wait.
        const bool may_help =
            (end.has_ended || (is_about_the_way(error) && !is_stalled_)) && !end.is_node_gone;
        if (!may_help || attempt >= kAttempts.attempts ||
            (blindness && blindness->code() == ErrorCode::Interrupted)) {
            throw Error(told);
        }
        return told;
    }

    const ClaimVolumesContext& context_;
    SharedMover& mover_;
    const VolumeToRead& volume_;
    model::SkipReason& reason_;
    const std::stop_token& stop_;
    bool is_refused_ = false;  // by a hook
    bool is_reading_ = false;  // a channel was open, and its mover was asked for the volume
    bool is_stalled_ = false;  // the volume did not answer
};

}  // namespace

Error refused_by_hook(const std::string& refusal) {
    return Error(ErrorCode::Incomplete, refusal)
        .hint("what it wrote is in the ledger; --no-hooks does without hooks");
}

bool ends_the_run(ErrorCode code) {
    switch (code) {
        case ErrorCode::Interrupted:
        case ErrorCode::NoSpace:
        case ErrorCode::ReadOnly:
        case ErrorCode::Io:
        case ErrorCode::Internal:
            return true;
        default:
            return false;
    }
}

void read_through(const ClaimVolumesContext& context,
                  SharedMover& mover,
                  const VolumeToRead& volume,
                  ClaimVolume& result,
                  const std::stop_token& stop) {
    auto captured = Attempts(context, mover, volume, result.record.reason, stop).run();
    auto record = std::move(captured.record);
    const auto& plan = volume.plan.record;
    record.name_space = plan.name_space;
    record.claim = plan.claim;
    record.method = plan.method;
    record.rule = plan.rule;
    record.capacity_bytes = plan.capacity_bytes;
    record.consistency = plan.method == "live" ? (volume.is_used ? "crash" : "idle") : "snapshot";
    if (!plan.message.empty()) {
        record.message =
            record.message.empty() ? plan.message : concat(plan.message, "; ", record.message);
    }
    result.record = std::move(record);
    result.captured = std::move(captured);
}

}  // namespace backup::capture
