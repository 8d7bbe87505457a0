// SPDX-License-Identifier: Apache-2.0
#include "core/volume/volume_snapshot.hpp"

#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/model/quantity.hpp"

#include <utility>

namespace backup::volume {

namespace {

constexpr std::string_view kLayer = "volume";
constexpr std::chrono::seconds kCloseLimit{150};
/// What its controllers get for removing it before they are helped.
constexpr Milliseconds kPatience{10'000};

Error failed(std::string text) {
    return {ErrorCode::MoverFailed, std::move(text)};
}

bool points_back(const Json& content, const Json& snapshot) {
    const Json* reference = content.find_path({"spec", "volumeSnapshotRef"});
    return reference != nullptr &&
           reference->text_at({"uid"}) == snapshot.text_at({"metadata", "uid"}) &&
           reference->text_at({"name"}) == snapshot.text_at({"metadata", "name"}) &&
           reference->text_at({"namespace"}) == snapshot.text_at({"metadata", "namespace"});
}

}  // namespace

SnapshotState read_snapshot_state(const Json& snapshot) {
    SnapshotState state;
    const Json* status = snapshot.find("status");
    state.is_noticed = status != nullptr && status->is_object() && !status->members().empty();
    state.content = snapshot.text_at({"status", "boundVolumeSnapshotContentName"});
    const bool has_time = !snapshot.text_at({"status", "creationTime"}).empty();
    state.is_ready = snapshot.bool_at({"status", "readyToUse"}) && !state.content.empty();
    state.is_cut = !state.content.empty() && (has_time || state.is_ready);
    state.restore_bytes = model::find_quantity(snapshot.text_at({"status", "restoreSize"}));
    if (snapshot.find_path({"status", "error"}) != nullptr) {
        state.error = printable(snapshot.text_at({"status", "error", "message"}, "unknown error"));
    }
    return state;
}

VolumeSnapshot::VolumeSnapshot(const TemporaryContext& context, Source source, CopyLimits limits)
    : context_(context),
      source_(std::move(source)),
      limits_(limits),
      object_(context, SnapshotApi().snapshots, source_.ns),
      end_(context) {}

VolumeSnapshot::~VolumeSnapshot() {
    const auto failure = failure_of([this] { close(); });
    if (failure) {
        context_.client.log().warn(kLayer, failure->what());
    }
}

void VolumeSnapshot::cut(const std::stop_token& stop) {
    Json spec =
        Json::object({{"source", Json::object({{"persistentVolumeClaimName", source_.claim}})}});
    if (!source_.snapshot_class.empty()) {
        // An empty name is another thing than none: "no class at all".
        spec["volumeSnapshotClassName"] = source_.snapshot_class;
    }
    object_.create(std::move(spec), {}, stop);
    wait(Aim::Cut, stop);
}

const SnapshotState& VolumeSnapshot::wait_until_ready(const std::stop_token& stop) {
    wait(Aim::Ready, stop);
    return state_;
}

void VolumeSnapshot::wait(Aim aim, const std::stop_token& stop) {
    error_since_.reset();
    const bool is_done = wait_for(context_, limits_.ready, stop, [&](Milliseconds elapsed) {
        const auto snapshot = object_.get(stop);
        state_ = read_snapshot_state(snapshot);
        adopt_content(snapshot, stop);
        if (aim == Aim::Cut ? state_.is_cut : state_.is_ready) {
            return true;
        }
        judge(snapshot, elapsed);
        return false;
    });
    if (!is_done) {
        throw failed(concat("the snapshot of claim ",
                            source_.claim,
                            " was not ",
                            aim == Aim::Cut ? "cut" : "ready",
                            " within ",
                            limits_.ready.count() / 1000,
                            " s",
                            state_.error.empty() ? "" : ": ",
                            state_.error));
    }
}

/// Throws when it makes no sense to wait longer.
void VolumeSnapshot::judge(const Json& snapshot, Milliseconds elapsed) {
    if (!snapshot.text_at({"metadata", "deletionTimestamp"}).empty()) {
        throw failed(concat("somebody has deleted ", object_.text()));
    }
    if (!state_.is_noticed && elapsed >= limits_.notice) {
        throw failed(concat("no snapshot controller takes notice of ", object_.text()))
            .hint("is a snapshot controller installed and running? --volumes=live needs none");
    }
    if (state_.error.empty()) {
        error_since_.reset();
        return;
    }
    error_since_ = error_since_.value_or(elapsed);
    if (elapsed - *error_since_ >= limits_.error) {
        throw failed(concat("the snapshot of claim ", source_.claim, " failed: ", state_.error));
    }
}

/// As soon as there is a content: a run that is killed later leaves nothing that its class would
/// keep. Who may not read contents goes without.
void VolumeSnapshot::adopt_content(const Json& snapshot, const std::stop_token& stop) {
    if (state_.content.empty() || is_content_known_ || !content_problem_.empty()) {
        return;
    }
    std::optional<Json> content;
    const auto failure = failure_of([&] {
        content = context_.client.find({api_.contents, {}, state_.content},
                                       {.subresource = {}, .stop = stop});
    });
    if (failure && failure->code() != ErrorCode::Forbidden) {
        throw Error(*failure);
    }
    if (failure) {
        content_problem_ = "its content may not be read";
        return;
    }
    if (!content || !points_back(*content, snapshot)) {
        throw failed(concat("the content ",
                            printable(state_.content),
                            " that ",
                            object_.text(),
                            " names does not belong to it"));
    }
    is_content_known_ = true;
    if (content->text_at({"spec", "deletionPolicy"}) == "Retain") {
        release_content(*content, stop);
    }
}

void VolumeSnapshot::release_content(const Json& content, const std::stop_token& stop) {
    const Json patch = Json::object({{"metadata", owner_marks(context_)},
                                     {"spec", Json::object({{"deletionPolicy", "Delete"}})}});
    kube::WriteOptions options;
    options.stop = stop;
    const auto name = content.text_at({"metadata", "name"});
    const auto failure = failure_of([&] {
        context_.client.patch({api_.contents, {}, name}, kube::PatchType::Merge, patch, options);
    });
    if (failure && failure->code() == ErrorCode::Interrupted) {
        throw Error(*failure);
    }
    if (failure) {
        is_content_known_ = false;
        content_problem_ = concat("its class keeps the stored snapshot, and volumesnapshotcontent ",
                                  name,
                                  " could not be told otherwise: ",
                                  failure->message());
    }
}

void VolumeSnapshot::close() {
    if (object_.is_made()) {
        run_limited(kCloseLimit, [this](const std::stop_token& stop) { remove(stop); });
    }
}

void VolumeSnapshot::remove(const std::stop_token& stop) {
    // It may have got a content since it was last looked at.
    const auto failure = failure_of([&] {
        const auto snapshot = end_.let_settle(source_.ns, name(), stop);
        if (!snapshot.is_null()) {
            state_ = read_snapshot_state(snapshot);
            adopt_content(snapshot, stop);
        }
    });
    object_.remove(limits_.removal, stop, [this](Milliseconds elapsed) {
        if (is_content_known_ && elapsed >= kPatience) {
            end_.nudge(state_.content);
            end_.let_go(source_.ns, name(), state_.content);
        }
    });
    if (failure) {
        throw Error(*failure);
    }
    if (is_content_known_) {
        wait_for_content(stop);
    } else if (content_problem_.starts_with("its class")) {
        throw failed(content_problem_);
    }
}

void VolumeSnapshot::wait_for_content(const std::stop_token& stop) {
    std::string error;
    const bool is_gone = wait_for(context_, limits_.removal, stop, [&](Milliseconds elapsed) {
        const auto content = context_.client.find({api_.contents, {}, state_.content},
                                                  {.subresource = {}, .stop = stop});
        error = content ? printable(content->text_at({"status", "error", "message"})) : "";
        if (content && elapsed >= kPatience) {
            end_.nudge(state_.content);
        }
        return !content;
    });
    if (!is_gone) {
        throw Error(ErrorCode::TimedOut,
                    concat("volumesnapshotcontent ",
                           state_.content,
                           " is still being removed after ",
                           limits_.removal.count() / 1000,
                           " s",
                           error.empty() ? "" : ": ",
                           error));
    }
}

}  // namespace backup::volume
