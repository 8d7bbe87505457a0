// SPDX-License-Identifier: Apache-2.0
#include "core/kube/watch.hpp"

#include "core/base/stop_on_signal.hpp"
#include "core/base/text.hpp"

#include <algorithm>

namespace backup::kube {

namespace {

constexpr std::size_t kLargestEvent = 64U << 20U;

using Steady = std::chrono::steady_clock;

std::optional<WatchEventType> parse_type(std::string_view text) {
    if (text == "ADDED") {
        return WatchEventType::Added;
    }
    if (text == "MODIFIED") {
        return WatchEventType::Modified;
    }
    if (text == "DELETED") {
        return WatchEventType::Deleted;
    }
    if (text == "BOOKMARK") {
        return WatchEventType::Bookmark;
    }
    return std::nullopt;
}

class Watcher {
  public:
    Watcher(Client& client,
            const model::ApiResource& resource,
            const WatchOptions& options,
            const std::function<bool(const WatchEvent&)>& on_event)
        : client_(client),
          on_event_(on_event) {
        request_.path = resource_path(resource, resource.namespaced ? options.ns : std::string());
        request_.asked = {"watch", resource.group, resource.plural, options.ns, options.name};
        request_.stop = options.stop;
        request_.idle_timeout = std::chrono::milliseconds(0);
        // The server ends the watch; this is for one that is gone without a word.
        request_.timeout = options.timeout + std::chrono::seconds(15);
        auto& query = request_.query;
        query = {
            {"watch", "1"},
            {"allowWatchBookmarks", "true"},
            {"timeoutSeconds", std::to_string(std::max<std::int64_t>(options.timeout.count(), 1))}};
        if (!options.name.empty()) {
            query.emplace_back("fieldSelector", "metadata.name=" + options.name);
        }
        if (!options.label_selector.empty()) {
            query.emplace_back("labelSelector", options.label_selector);
        }
        if (!options.resource_version.empty()) {
            query.emplace_back("resourceVersion", options.resource_version);
        }
    }

    net::Response run() {
        return client_.exchange(request_, [this](ByteView bytes) { return take(bytes); });
    }

    WatchEnd end() const { return end_; }

    const Asked& asked() const { return request_.asked; }

  private:
    bool take(ByteView bytes) {
        auto text = as_text(bytes);
        while (true) {
            const auto newline = text.find('\n');
            pending_ += text.substr(0, newline);
            if (pending_.size() > kLargestEvent) {
                throw Error(ErrorCode::KubeServerError, "an event of a watch is too large");
            }
            if (newline == std::string_view::npos) {
                return true;
            }
            text.remove_prefix(newline + 1);
            const auto line = std::exchange(pending_, {});
            if (!trim(line).empty() && !take_event(line)) {
                return false;
            }
        }
    }

    bool take_event(std::string_view line) {
        auto document = parse_json(line);
        auto* object = document.find("object");
        const auto name = document.text_at({"type"});
        if (name == "ERROR" && object != nullptr) {
            net::Response refusal;
            refusal.status = static_cast<int>(object->integer_at({"code"}, 500));
            refusal.body = format_json(*object);
            if (refusal.status != 410) {
                throw api_error(refusal, request_.asked);
            }
            end_ = WatchEnd::Expired;
            return false;
        }
        const auto type = parse_type(name);
        if (!type || object == nullptr) {
            return true;
        }
        if (on_event_({*type, std::move(*object)})) {
            return true;
        }
        end_ = WatchEnd::Done;
        return false;
    }

    Client& client_;
    const std::function<bool(const WatchEvent&)>& on_event_;
    ApiRequest request_;
    std::string pending_;
    WatchEnd end_ = WatchEnd::Timeout;
};

class Waiter {
  public:
    Waiter(Client& client,
           const ObjectRef& object,
           const std::function<bool(const Json* object)>& is_reached,
           const WaitOptions& options)
        : client_(client),
          object_(object),
          is_reached_(is_reached),
          options_(options),
          deadline_(Steady::now() + options.timeout) {}

    Json run() {
        const RetryPolicy policy{
            8, std::chrono::milliseconds(200), std::chrono::milliseconds(5'000)};
        const auto may_retry = [this](const Error& error) {
            return error.is_retryable() && Steady::now() < deadline_;
        };
        while (true) {
            auto reached = retry_if(policy, options_.stop, may_retry, [this] { return look(); });
            if (reached) {
                return std::move(*reached);
            }
            if (Steady::now() >= deadline_) {
                throw Error(ErrorCode::TimedOut,
                            concat("waited ",
                                   options_.timeout.count() / 1000,
                                   " s in vain for ",
                                   options_.what));
            }
        }
    }

  private:
    std::optional<Json> look() {
        const auto object = client_.find(object_, {"", options_.stop});
        if (is_reached_(object ? &*object : nullptr)) {
            return object ? *object : Json();
        }
        std::optional<Json> reached;
        const auto on_event = [&](const WatchEvent& event) {
            if (event.type == WatchEventType::Bookmark) {
                return true;
            }
            const bool is_gone = event.type == WatchEventType::Deleted;
            if (is_reached_(is_gone ? nullptr : &event.object)) {
                reached = is_gone ? Json() : event.object;
            }
            return !reached;
        };
        const auto left =
            std::chrono::duration_cast<std::chrono::seconds>(deadline_ - Steady::now());
        WatchOptions watching;
        watching.ns = object_.ns;
        watching.name = object_.name;
        watching.timeout = std::clamp(
            left + std::chrono::seconds(1), std::chrono::seconds(1), std::chrono::seconds(300));
        watching.stop = options_.stop;
        if (object) {
            watching.resource_version = object->text_at({"metadata", "resourceVersion"});
        }
        Watcher watcher(client_, object_.resource, watching, on_event);
        const auto response = watcher.run();
        if (response.status == 403 || response.status == 405) {
            // Without the right to watch: look again every second.
            client_.sleep(std::chrono::seconds(1), options_.stop);
            throw_if_stopped(options_.stop);
        } else if (!response.is_success() && response.status != 410) {
            throw api_error(response, watcher.asked());
        }
        return reached;
    }

    Client& client_;
    const ObjectRef& object_;
    const std::function<bool(const Json* object)>& is_reached_;
    const WaitOptions& options_;
    Steady::time_point deadline_;
};

}  // namespace

WatchEnd watch(Client& client,
               const model::ApiResource& resource,
               const WatchOptions& options,
               const std::function<bool(const WatchEvent&)>& on_event) {
    Watcher watcher(client, resource, options, on_event);
    const auto response = watcher.run();
    if (response.status == 410) {
        return WatchEnd::Expired;
    }
    if (!response.is_success()) {
        throw api_error(response, watcher.asked());
    }
    return watcher.end();
}

Json wait_until(Client& client,
                const ObjectRef& object,
                const std::function<bool(const Json* object)>& is_reached,
                const WaitOptions& options) {
    return Waiter(client, object, is_reached, options).run();
}

}  // namespace backup::kube
