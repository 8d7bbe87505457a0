// SPDX-License-Identifier: Apache-2.0
// Claims of a namespace read through movers that break in every way a cluster knows. The movers are
// threads of this process beside real directories.
#pragma once

#include "core/base/text.hpp"
#include "core/capture/claim_volumes.hpp"
#include "core/volume/protocol.hpp"
#include "tests/support/capture_scene.hpp"
#include "tests/support/faulty_mover.hpp"
#include "tests/support/temp_dir.hpp"

#include <atomic>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace backup::testing {

/// What happens to one opening of a channel after the other; then all goes well.
struct MoverScript {
    std::deque<FrameFault> faults;
    std::deque<Error> refusals;  // before the faults
    std::deque<volume::MoverEnd> ends;
    std::deque<Error> start_failures;
    std::optional<Error> close_failure;
    std::optional<Error> answer;  // of every mover, instead of the volume
    std::vector<std::unique_ptr<volume::Channel>> answered;
    int hanging = 0;  // so many channels say nothing, for ever
    std::atomic<bool> is_hanging = false;
    bool is_block = false;
    std::function<void(const capture::MoverOrder&)> on_start;
    int starts = 0;
    int closes = 0;
    std::vector<capture::MoverOrder> orders;
    std::mutex mutex;
};

class ScriptedMover : public volume::Mover {
  public:
    ScriptedMover(MoverScript& script, Clock& clock, std::filesystem::path root)
        : script_(script),
          clock_(clock),
          root_(std::move(root)) {}

    std::unique_ptr<volume::Channel> open_channel() override {
        const std::scoped_lock lock(script_.mutex);
        if (!script_.refusals.empty()) {
            const auto refusal = script_.refusals.front();
            script_.refusals.pop_front();
            throw Error(refusal);
        }
        script_.is_hanging = script_.hanging > 0;
        if (script_.answer || script_.hanging-- > 0) {
            auto ends = volume::make_local_channels();
            if (script_.answer) {
                ends.mover->send(volume::encode_failure(*script_.answer), {});
            }
            script_.answered.push_back(std::move(ends.mover));
            return std::move(ends.client);
        }
        FrameFault fault;
        if (!script_.faults.empty()) {
            fault = script_.faults.front();
            script_.faults.pop_front();
        }
        return open_faulty_mover(clock_, fault);
    }

    std::string path_of(std::string_view claim) const override { return (root_ / claim).string(); }

    bool is_block(std::string_view) const override { return script_.is_block; }

    volume::MoverEnd find_end() override {
        const std::scoped_lock lock(script_.mutex);
        if (script_.ends.empty()) {
            return {};
        }
        auto end = script_.ends.front();
        script_.ends.pop_front();
        return end;
    }

    volume::MoverIdentity identity() const override { return volume::MoverIdentity::Root; }

    void close() override {
        const std::scoped_lock lock(script_.mutex);
        ++script_.closes;
        if (script_.close_failure) {
            throw Error(*script_.close_failure);
        }
    }

  private:
    MoverScript& script_;
    Clock& clock_;
    std::filesystem::path root_;
};

/// A namespace "shop" with the claim "data", and what its movers will do.
struct ClaimVolumesFixture {
    ClaimVolumesFixture() : repository(open_tiny_repository(scene.backend, scene.key)) {
        fill("data", 12);
    }

    /// A bound claim with files; `node`: where a pod that uses it runs.
    void fill(const std::string& claim, int files, const std::string& node = "") {
        for (int i = 0; i < files; ++i) {
            const auto bytes = scene.random.bytes(9'000);
            directory.write(concat(claim, "/d", i % 3, "/file-", i), as_text(bytes));
        }
        scene.server.add("persistentvolumeclaims",
                         "shop",
                         claim,
                         "",
                         R"("spec":{"accessModes":["ReadWriteOnce"]},"status":{"phase":"Bound"})");
        if (!node.empty()) {
            scene.server.add("pods",
                             "shop",
                             concat("pod-", claim),
                             "",
                             concat(R"("spec":{"nodeName":")",
                                    node,
                                    R"(","volumes":[{"name":"v","persistentVolumeClaim":)",
                                    R"({"claimName":")",
                                    claim,
                                    R"("}}]},"status":{"phase":"Running"})"));
        }
    }

    capture::PlannedVolume plan(const std::string& claim, const std::string& method = "live") {
        capture::PlannedVolume volume;
        volume.record.name_space = "shop";
        volume.record.claim = claim;
        volume.record.method = method;
        return volume;
    }

    std::vector<capture::ClaimVolume> read(const std::vector<capture::PlannedVolume>& plans) {
        kube::Client client(CaptureScene::config(), scene.client_options());
        repository::ChunkStore chunks(repository);
        repository::Writer writer(repository, chunks, scene.random, scene.clock);
        capture::PreviousPoints previous(repository, chunks, {});
        NullProgress progress;
        const volume::MoverProgram no_program;
        capture::ClaimVolumesContext context{
            client, no_program, {}, repository, writer, scene.clock, previous, progress, ""};
        context.at_once = at_once;
        context.make_stand_in = make_stand_in;
        context.start_mover = [this](const capture::MoverOrder& order, const std::stop_token&) {
            return start(order);
        };
        context.sleep = [](std::chrono::nanoseconds, const std::stop_token& stop) {
            return !stop.stop_requested();
        };
        // Time passes while a mover hangs, and stands still otherwise.
        context.stall.sleep = [this](std::chrono::nanoseconds, const std::stop_token& stop) {
            return script.is_hanging ? !stop.stop_requested()
                                     : sleep_for(std::chrono::hours(24), stop);
        };
        auto volumes = capture::capture_claims(context, plans, {});
        chunks_added = writer.counters().chunks_added;
        return volumes;
    }

    std::unique_ptr<volume::Mover> start(const capture::MoverOrder& order) {
        const std::scoped_lock lock(script.mutex);
        ++script.starts;
        script.orders.push_back(order);
        if (!script.start_failures.empty()) {
            const auto failure = script.start_failures.front();
            script.start_failures.pop_front();
            throw Error(failure);
        }
        if (script.on_start) {
            script.on_start(order);
        }
        return std::make_unique<ScriptedMover>(script, scene.clock, directory.path());
    }

    CaptureScene scene;
    repository::Repository repository;
    TempDir directory;
    MoverScript script;
    unsigned at_once = 1;
    std::uint64_t chunks_added = 0;
    std::function<std::unique_ptr<capture::VolumeStandIn>(const capture::PlannedVolume&,
                                                          const std::stop_token&)>
        make_stand_in;
};

}  // namespace backup::testing
