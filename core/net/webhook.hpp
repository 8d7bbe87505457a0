// SPDX-License-Identifier: Apache-2.0
// Tells a web server something, as JSON, beside the work it is about: never waits longer than it
// was told, never throws what went wrong on the way. Knows nothing of what it tells.
#pragma once

#include "core/base/clock.hpp"
#include "core/base/retry.hpp"
#include "core/base/synchronized.hpp"
#include "core/base/task_group.hpp"
#include "core/net/http.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace backup::net {

/// Where to. The path of a webhook is often a secret itself, so nothing but `shown` may be printed.
struct WebhookTarget {
    std::string url;            // without user name and password
    std::string authorization;  // value of the header; empty: none
    std::string shown;          // "https://host:port"
};

/// http(s)://[user[:password]@]host[:port]/path. Throws InvalidArgument with a text in which
/// nothing of the URL is repeated.
WebhookTarget parse_webhook(std::string_view url);

struct WebhookOptions {
    RetryPolicy retry{4, std::chrono::milliseconds(500), std::chrono::milliseconds(4'000)};
    std::chrono::milliseconds attempt_timeout{10'000};
};

class Webhook {
  public:
    /// `transport` and `clock` live as long as this; `clock` is read from another thread.
    Webhook(WebhookTarget target,
            std::unique_ptr<HttpTransport> transport,
            Clock& clock,
            WebhookOptions options = {});
    /// Gives up what is still under way.
    ~Webhook();
    Webhook(const Webhook&) = delete;
    Webhook& operator=(const Webhook&) = delete;

    /// Returns at once. Tried again after 408, 429, 5xx and broken connections, until `longest` is
    /// over. What was posted before and is still under way is given up: it is old news.
    void post(std::string json, std::chrono::milliseconds longest);

    /// Waits for the last post. What went wrong since the last call: a line each, for people.
    std::vector<std::string> finish();

  private:
    void deliver(const std::string& json,
                 std::chrono::steady_clock::time_point deadline,
                 const std::stop_token& stop);
    /// Empty: delivered.
    std::optional<Error> try_once(const std::string& json,
                                  std::chrono::milliseconds timeout,
                                  const std::stop_token& stop);

    WebhookTarget target_;
    std::unique_ptr<HttpTransport> transport_;
    Clock& clock_;
    WebhookOptions options_;
    Synchronized<std::vector<std::string>> failures_;
    TaskGroup task_;
};

}  // namespace backup::net
