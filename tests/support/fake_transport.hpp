// SPDX-License-Identifier: Apache-2.0
// An HttpTransport that answers from a script: FakeTransport fake; fake.on("GET /version", {200,
// "{}"}); client options: options.make_transport = fake.maker().
#pragma once

#include "core/base/error.hpp"
#include "core/net/http.hpp"

#include <deque>
#include <map>
#include <mutex>

namespace backup::testing {

class FakeTransport {
  public:
    struct Answer {
        int status = 200;
        std::string body;
        net::Headers headers;
        std::optional<Error> failure;  // thrown instead
    };

    /// "METHOD /path" or "METHOD /path?query" (tried first). Several for one key come one after the
    /// other, the last one again and again. Without an answer: 404.
    void on(const std::string& key, Answer answer);
    /// What connect() gives.
    void on_connect(std::function<std::unique_ptr<net::Connection>()> connect);

    /// What was sent so far, in order.
    std::vector<net::Request> requests() const;
    /// "GET /path?query" of each.
    std::vector<std::string> lines() const;
    /// The options of the transports made so far.
    std::vector<net::TransportOptions> made() const;

    net::MakeTransport maker();

    net::Response answer(const net::Request& request, const net::OnBody& on_body);
    std::unique_ptr<net::Connection> connect();

  private:
    Answer find(const net::Request& request);

    mutable std::mutex mutex_;
    std::map<std::string, std::deque<Answer>> script_;
    std::function<std::unique_ptr<net::Connection>()> connect_;
    std::vector<net::Request> requests_;
    std::vector<net::TransportOptions> made_;
};

}  // namespace backup::testing
