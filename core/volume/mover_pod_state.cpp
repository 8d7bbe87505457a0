// SPDX-License-Identifier: Apache-2.0
#include "core/volume/mover_pod_state.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <array>

namespace backup::volume {

namespace {

constexpr std::array<std::string_view, 3> kHarmlessWaiting{
    "ContainerCreating", "PodInitializing", ""};

std::string said(const Json& part) {
    const auto reason = part.text_at({"reason"});
    const auto message = part.text_at({"message"});
    if (message.empty() || reason.empty()) {
        return printable(reason + message);
    }
    return printable(concat(reason, ": ", message));
}

const Json* find_container_state(const Json& pod) {
    const Json* statuses = pod.find_path({"status", "containerStatuses"});
    const bool has_one = statuses != nullptr && statuses->is_array() && !statuses->items().empty();
    return has_one ? statuses->items().front().find("state") : nullptr;
}

const Json* find_false_condition(const Json& pod, std::string_view type) {
    const Json* conditions = pod.find_path({"status", "conditions"});
    if (conditions == nullptr || !conditions->is_array()) {
        return nullptr;
    }
    const auto found = std::ranges::find_if(conditions->items(), [&](const Json& condition) {
        return condition.text_at({"type"}) == type && condition.text_at({"status"}) == "False";
    });
    return found == conditions->items().end() ? nullptr : &*found;
}

const Json* find_unmet_schedule(const Json& pod) {
    return find_false_condition(pod, "PodScheduled");
}

bool is_not_ready(const Json& pod) {
    return find_false_condition(pod, "Ready") != nullptr &&
           find_false_condition(pod, "ContainersReady") == nullptr;
}

std::string end_of(const Json& pod) {
    std::string text = said(*pod.find("status"));
    const Json* state = find_container_state(pod);
    if (const Json* ended = state == nullptr ? nullptr : state->find("terminated")) {
        text = concat(text,
                      text.empty() ? "" : "; ",
                      said(*ended),
                      " (exit code ",
                      ended->integer_at({"exitCode"}),
                      ")");
    }
    return text;
}

}  // namespace

PodState state_of_pod(const Json& pod) {
    const auto phase = pod.text_at({"status", "phase"});
    if (phase == "Failed" || phase == "Succeeded") {
        return {PodProgress::Failed, concat("it has ended: ", end_of(pod))};
    }
    if (!pod.text_at({"metadata", "deletionTimestamp"}).empty()) {
        return {PodProgress::Failed, "somebody has deleted it"};
    }
    if (const Json* state = find_container_state(pod)) {
        if (state->find("running") != nullptr) {
            return {PodProgress::Running, ""};
        }
        if (const Json* ended = state->find("terminated")) {
            return {PodProgress::ContainerFailed, said(*ended)};
        }
        if (const Json* waiting = state->find("waiting")) {
            const bool is_harmless =
                std::ranges::find(kHarmlessWaiting, waiting->text_at({"reason"})) !=
                kHarmlessWaiting.end();
            return {is_harmless ? PodProgress::Starting : PodProgress::ContainerFailed,
                    said(*waiting)};
        }
    }
    if (const Json* unmet = find_unmet_schedule(pod)) {
        return {PodProgress::Unschedulable, said(*unmet)};
    }
    return {PodProgress::Starting, phase.empty() ? "nobody has taken notice of it" : phase};
}

MoverEnd end_of_mover(const Json& pod) {
    const auto state = state_of_pod(pod);
    const auto reason = pod.text_at({"status", "reason"});
    const bool is_lost = reason == "NodeLost" || reason == "NodeShutdown" || reason == "Terminated";
    if (state.progress != PodProgress::Running) {
        return {true, is_lost, state.text};
    }
    // A mover has no probe: while its container runs, only the node controller says otherwise.
    if (is_not_ready(pod)) {
        return {true, true, "its cluster node does not answer"};
    }
    return {};
}

std::string time_of_event(const Json& event) {
    return event.text_at({"lastTimestamp"}, event.text_at({"eventTime"}));
}

std::string last_warning(const std::vector<Json>& events) {
    std::string newest;
    std::string text;
    for (const auto& event : events) {
        const auto time = time_of_event(event);
        if (event.text_at({"type"}) == "Warning" && time >= newest) {
            newest = time;
            text = said(event);
        }
    }
    return text;
}

}  // namespace backup::volume
