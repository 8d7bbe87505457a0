// SPDX-License-Identifier: Apache-2.0
// An API server in memory, as far as movers use one: objects of the core group by their path, label
// selectors, refusals by rule.
#pragma once

#include "core/kube/client.hpp"
#include "tests/support/fake_clock.hpp"

#include <functional>
#include <map>
#include <mutex>
#include <optional>

namespace backup::testing {

class FakeApi {
  public:
    FakeApi() : client(config(), options()) {}

    /// "/api/v1/namespaces/shop/pods/web", "/api/v1/nodes/a"; gives it a uid and its names.
    void put(const std::string& path, Json object);
    std::optional<Json> find(const std::string& path) const;
    /// As a controller does: without a new uid.
    void change(const std::string& path, const std::function<void(Json&)>& edit);
    void erase(const std::string& path);
    /// Names of the objects whose path begins so.
    std::vector<std::string> names(const std::string& prefix) const;

    /// Asked before everything else: an answer instead of the object.
    std::function<std::optional<net::Response>(const net::Request&, const std::string& path)>
        refuse;
    /// Called after an object was deleted.
    std::function<void(const std::string& path)> on_delete;
    /// May change what a POST stores.
    std::function<void(const std::string& path, Json& object)> on_create;

    static net::Response status(int code, const std::string& reason, const std::string& message);

    net::Response answer(const net::Request& request);

    FakeClock clock;
    std::vector<std::string> lines;  // "POST /api/v1/..."; no queries

  private:
    static kube::ClusterConfig config();
    kube::ClientOptions options();
    net::Response list(const std::string& path, const std::string& query) const;

    std::map<std::string, Json> objects_;
    int next_uid_ = 1;

  public:
    kube::Client client;  // last: it uses the rest
};

}  // namespace backup::testing
