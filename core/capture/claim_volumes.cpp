// SPDX-License-Identifier: Apache-2.0
#include "core/capture/claim_volumes.hpp"

#include "core/base/retry.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/volume/pod_mover.hpp"

#include <atomic>
#include <utility>

namespace backup::capture {

namespace {

/// A stream that breaks off is tried once more: what was stored by then is not sent again.
constexpr RetryPolicy kStreamRetry{
    2, std::chrono::milliseconds(500), std::chrono::milliseconds(500)};

bool is_broken_stream(const Error& error) {
    return error.code() == ErrorCode::MoverFailed || error.code() == ErrorCode::ExecFailed ||
           error.code() == ErrorCode::ClusterUnreachable;
}

/// Failures that are not about this volume.
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

class ClaimReader {
  public:
    ClaimReader(const ClaimVolumesContext& context, ClaimVolume& result)
        : context_(context),
          result_(result) {}

    void read(const std::stop_token& stop) {
        auto& record = result_.record;
        context_.progress.note(concat("reading volume ", record.name_space, "/", record.claim));
        volume::PodMover mover(context_.client, context_.program, request(stop));
        const bool is_in_use = mover.facts_of(record.claim).consumer.has_value();
        auto captured = retry_if(kStreamRetry, stop, is_broken_stream, [&] {
            const auto channel = mover.open_channel();
            return capture_volume(*channel, options(mover), stop);
        });
        take(std::move(captured));
        record.consistency = is_in_use ? "crash" : "idle";
        if (const auto problem = failure_of([&] { mover.close(); })) {
            record.message += concat(record.message.empty() ? "" : "; ",
                                     "the helper pod could not be removed: ",
                                     printable(problem->what()),
                                     " ('kubectl backup cleanup' removes it)");
        }
    }

  private:
    volume::PodMoverRequest request(const std::stop_token& stop) const {
        volume::PodMoverRequest request;
        request.ns = result_.record.name_space;
        request.claims = {result_.record.claim};
        request.access = volume::VolumeAccess::Read;
        request.owner = context_.owner;
        request.image = context_.mover_image;
        request.progress = &context_.progress;
        request.stop = stop;
        return request;
    }

    VolumeCapture options(const volume::PodMover& mover) const {
        const auto& record = result_.record;
        VolumeSource source;
        source.path = mover.path_of(record.claim);
        source.is_block_device = mover.is_block(record.claim);
        return {context_.repository,
                context_.writer,
                context_.clock,
                std::move(source),
                context_.previous.find_volume(record.name_space, record.claim),
                context_.compression_level,
                true,
                &context_.progress};
    }

    void take(CapturedVolume captured) {
        model::VolumeRecord record = std::move(captured.record);
        record.name_space = result_.record.name_space;
        record.claim = result_.record.claim;
        record.method = result_.record.method;
        result_.record = std::move(record);
        result_.captured = std::move(captured);
    }

    const ClaimVolumesContext& context_;
    ClaimVolume& result_;
};

void read_claim(const ClaimVolumesContext& context,
                ClaimVolume& result,
                const std::stop_token& stop) {
    const auto failure = failure_of([&] { ClaimReader(context, result).read(stop); });
    if (!failure) {
        return;
    }
    if (stop.stop_requested() || ends_the_run(failure->code())) {
        throw Error(*failure);
    }
    const std::string hint(failure->hint());
    result.captured.reset();
    result.record.outcome = model::Outcome::Failed;
    result.record.message =
        printable(hint.empty() ? failure->what() : concat(failure->what(), " (", hint, ")"));
}

}  // namespace

std::vector<ClaimVolume> capture_claims(const ClaimVolumesContext& context,
                                        const std::vector<model::VolumeRecord>& plans,
                                        const std::stop_token& stop) {
    std::vector<ClaimVolume> results;
    for (const auto& plan : plans) {
        results.push_back({plan, std::nullopt});
    }
    std::atomic<std::size_t> next = 0;
    TaskGroup tasks(stop);
    for (unsigned i = 0; i < context.at_once; ++i) {
        tasks.start([&](const std::stop_token& token) {
            for (std::size_t at = next++; at < results.size(); at = next++) {
                if (!results[at].record.method.empty()) {
                    read_claim(context, results[at], token);
                }
            }
        });
    }
    tasks.wait();
    return results;
}

}  // namespace backup::capture
