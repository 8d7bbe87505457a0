// SPDX-License-Identifier: Apache-2.0
#include "core/volume/temporary_object.hpp"

#include "core/base/retry.hpp"
#include "core/base/stop_on_signal.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <utility>

namespace backup::volume {

namespace {

constexpr std::string_view kLayer = "volume";
constexpr std::size_t kNameBytes = 8;
constexpr Milliseconds kFirstPause{200};
constexpr Milliseconds kLongestPause{2'000};
constexpr std::chrono::seconds kRemoveLimit{30};

bool is_refusal(ErrorCode code) {
    switch (code) {
        case ErrorCode::Forbidden:
        case ErrorCode::Unauthorized:
        case ErrorCode::KubeInvalid:
        case ErrorCode::KubeNotFound:
        case ErrorCode::InvalidArgument:
            return true;
        default:
            return false;
    }
}

}  // namespace

bool is_temporary_name(std::string_view name) {
    if (!name.starts_with(kTemporaryPrefix)) {
        return false;
    }
    const auto digits = name.substr(kTemporaryPrefix.size());
    return digits.size() == 2 * kNameBytes &&
           digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Json owner_marks(const TemporaryContext& context) {
    return Json::object(
        {{"labels",
          Json::object({{std::string(kManagedByLabel), kManagedBy},
                        {std::string(kComponentLabel), kMoverComponent},
                        {std::string(kRunLabel), context.owner.run_id}})},
         {"annotations",
          Json::object({{std::string(kOwnerAnnotation), format_owner(context.owner)},
                        {std::string(kCreatedAnnotation), format_rfc3339(context.clock.now())}})}});
}

bool wait_for(const TemporaryContext& context,
              Milliseconds limit,
              const std::stop_token& stop,
              const std::function<bool(Milliseconds elapsed)>& is_done) {
    const auto begin = context.clock.steady_now();
    auto pause = kFirstPause;
    Milliseconds paused{0};
    for (;;) {
        throw_if_stopped(stop);
        const auto passed =
            std::chrono::duration_cast<Milliseconds>(context.clock.steady_now() - begin);
        const auto elapsed = std::max(passed, paused);
        if (is_done(elapsed)) {
            return true;
        }
        if (elapsed >= limit) {
            return false;
        }
        context.client.sleep(pause, stop);
        paused += pause;
        pause = std::min(pause * 3 / 2, kLongestPause);
    }
}

void run_limited(std::chrono::seconds limit,
                 const std::function<void(const std::stop_token&)>& action) {
    std::stop_source too_late;
    TaskGroup timer;
    timer.start([&](const std::stop_token& stop) {
        if (sleep_for(limit, stop)) {
            too_late.request_stop();
        }
    });
    action(too_late.get_token());
}

TemporaryObject::TemporaryObject(const TemporaryContext& context,
                                 const model::ApiResource& resource,
                                 std::string ns)
    : context_(context),
      resource_(resource),
      ns_(std::move(ns)) {}

TemporaryObject::~TemporaryObject() {
    if (!is_made_) {
        return;
    }
    const auto failure = failure_of([this] {
        run_limited(kRemoveLimit,
                    [this](const std::stop_token& stop) { remove(kRemoveLimit, stop); });
    });
    if (failure) {
        context_.client.log().warn(kLayer,
                                   concat("could not remove ", text(), ": ", failure->what()));
    }
}

std::string TemporaryObject::text() const {
    return concat(to_lower(resource_.kind), " ", ns_, ns_.empty() ? "" : "/", name_);
}

void TemporaryObject::create(Json spec, Json annotations, const std::stop_token& stop) {
    SystemRandom random;
    name_ = concat(kTemporaryPrefix, to_hex(random.bytes(kNameBytes)));
    Json metadata = owner_marks(context_);
    metadata["name"] = name_;
    metadata["namespace"] = ns_;
    if (annotations.is_object()) {
        for (auto& [key, value] : annotations.members()) {
            metadata["annotations"][key] = std::move(value);
        }
    }
    const Json body = Json::object({{"apiVersion", resource_.api_version()},
                                    {"kind", resource_.kind},
                                    {"metadata", std::move(metadata)},
                                    {"spec", std::move(spec)}});
    throw_if_stopped(stop);
    is_made_ = true;
    // Without stop: a request given up half-way may still be served after the clean-up.
    const auto failure = failure_of([&] {
        uid_ = context_.client.create({resource_, ns_, {}}, body).text_at({"metadata", "uid"});
    });
    if (failure) {
        is_made_ = !is_refusal(failure->code());
        throw Error(*failure);
    }
    context_.client.log().info(kLayer, concat("made ", text()));
}

Json TemporaryObject::find(const std::stop_token& stop) const {
    auto found = context_.client.find({resource_, ns_, name_}, {.subresource = {}, .stop = stop});
    if (!found || (!uid_.empty() && found->text_at({"metadata", "uid"}) != uid_)) {
        return {};
    }
    return std::move(*found);
}

Json TemporaryObject::get(const std::stop_token& stop) const {
    auto found = find(stop);
    if (found.is_null()) {
        throw Error(ErrorCode::MoverFailed, concat("somebody has deleted ", text()));
    }
    return found;
}

void TemporaryObject::remove(Milliseconds limit,
                             const std::stop_token& stop,
                             const std::function<void(Milliseconds elapsed)>& while_there) {
    if (!is_made_) {
        return;
    }
    kube::DeleteOptions options;
    options.uid = uid_;
    options.stop = stop;
    context_.client.remove({resource_, ns_, name_}, options);
    const bool is_gone = wait_for(context_, limit, stop, [&](Milliseconds elapsed) {
        if (find(stop).is_null()) {
            return true;
        }
        if (while_there) {
            while_there(elapsed);
        }
        return false;
    });
    // From here on the cluster has been told: once more would not make it faster.
    is_made_ = false;
    if (!is_gone) {
        throw Error(ErrorCode::TimedOut,
                    concat(text(), " is still being removed after ", limit.count() / 1000, " s"));
    }
}

}  // namespace backup::volume
