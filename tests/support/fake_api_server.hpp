// SPDX-License-Identifier: Apache-2.0
// A small API server in this process, behind net::HttpTransport: discovery, paged lists with label
// selectors, single objects, access reviews. It can be told to refuse, to break and to expire.
#pragma once

#include "core/model/api_resource.hpp"
#include "core/net/http.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace backup::testing {

class FakeApiServer {
  public:
    /// Serves the kinds of the core group, apps, storage and RBAC that tests use; namespaces
    /// "kube-system" and "default" are there.
    FakeApiServer();

    /// "carts.example.com"; the kind is the singular word with a capital.
    void add_resource(std::string_view name, bool namespaced = true);
    /// The exact bytes of an object; its namespace and name are read from them.
    void add(std::string_view resource, std::string bytes);
    /// An object with that name and further members of metadata and of the object itself:
    /// add("pods", "shop", "web", R"("labels":{"app":"web"})", R"("spec":{})")
    void add(std::string_view resource,
             std::string_view ns,
             std::string_view name,
             std::string_view metadata = {},
             std::string_view members = {});
    void add_namespace(std::string_view name, std::string_view metadata = {});
    void remove(std::string_view resource, std::string_view ns, std::string_view name);

    /// Every request whose "VERB resource namespace" begins with `what` is answered with `status`
    /// from now on: "list secrets shop", "get namespaces", "list" (all lists), "review pods"
    /// (access reviews say no whatever the status).
    void refuse(std::string what, int status = 403);
    /// The group's discovery document answers 503.
    void break_group(std::string_view group);
    /// The next so many requests with a continue token are answered 410 Expired.
    void expire_tokens(int count);

    /// What was asked: "list pods shop", "get namespaces  shop".
    std::vector<std::string> asked() const;

    net::MakeTransport maker();

    net::Response answer(const net::Request& request);

  private:
    struct Question {
        std::string verb;
        std::string resource;
        std::string ns;
        std::string name;
        std::map<std::string, std::string> query;
    };

    using Objects = std::map<std::pair<std::string, std::string>, std::string>;

    net::Response answer_question(const Question& question, const std::string& body);
    net::Response discover(const std::string& path) const;
    net::Response list(const Question& question);
    net::Response review(const std::string& body) const;
    Question read(const net::Request& request) const;
    bool is_refused(const std::string& question, int& status) const;

    mutable std::mutex mutex_;
    std::vector<model::ApiResource> resources_;
    std::map<std::string, Objects> objects_;
    std::vector<std::pair<std::string, int>> refused_;
    std::vector<std::string> broken_groups_;
    std::vector<std::string> asked_;
    int expiring_ = 0;
};

}  // namespace backup::testing
