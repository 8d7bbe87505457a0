// SPDX-License-Identifier: Apache-2.0
// A small API server in this process, behind net::HttpTransport: discovery, paged lists with label
// selectors, single objects, access reviews. It can be told to refuse, to break and to expire.
#pragma once

#include "core/model/api_resource.hpp"
#include "core/net/http.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
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
    /// from now on: "list secrets shop", "get namespaces", "list" (all lists), "review pods",
    /// "review pods/exec" (access reviews say no whatever the status).
    void refuse(std::string what, int status = 403);
    /// The group's discovery document answers 503.
    void break_group(std::string_view group);
    /// The next so many requests with a continue token are answered 410 Expired.
    void expire_tokens(int count);

    /// The resourceVersion of what comes from now on (7 at first). Lists exactly as of an older
    /// one are answered with what is there now: objects that are to differ are told apart by
    /// compact().
    void set_version(std::uint64_t version);
    /// Lists exactly as of a version below this one are answered 410 Expired without a token.
    void compact(std::uint64_t below);
    /// The kind lies in another storage: lists exactly as of a version are answered 504 "Too large
    /// resource version".
    void keep_apart(std::string_view resource);
    /// Lists are never answered with PartialObjectMetadata.
    void refuse_metadata();
    /// Lists of more than `limit` objects of that kind are answered 504.
    void slow_down(std::string_view resource, std::size_t limit);
    /// The next so many lists are answered 429 with Retry-After: 1.
    void throttle(int count);
    /// Called before each list is answered, with its line in lists().
    void on_list(std::function<void(const std::string& line)> hook);

    /// What was asked: "list pods shop", "get namespaces  shop".
    std::vector<std::string> asked() const;
    /// Each list: "pods shop", with " metadata", " at 7", " name=web", " next" (a later page).
    std::vector<std::string> lists() const;

    net::MakeTransport maker();

    net::Response answer(const net::Request& request);

  private:
    struct Question {
        std::string verb;
        std::string resource;
        std::string ns;
        std::string name;
        std::map<std::string, std::string> query;
        bool wants_metadata = false;

        std::string value(const char* word) const;
        /// Its line in lists().
        std::string describe() const;
    };

    using Objects = std::map<std::pair<std::string, std::string>, std::string>;

    net::Response answer_question(const Question& question, const std::string& body);
    net::Response discover(const std::string& path) const;
    net::Response list(const Question& question);
    std::optional<net::Response> find_fault(const Question& question);
    std::vector<std::string> select(const Question& question);
    net::Response review(const std::string& body) const;
    Question read(const net::Request& request) const;
    bool is_refused(const std::string& question, int& status) const;

    mutable std::mutex mutex_;
    std::vector<model::ApiResource> resources_;
    std::map<std::string, Objects> objects_;
    std::vector<std::pair<std::string, int>> refused_;
    std::vector<std::string> broken_groups_;
    std::vector<std::string> asked_;
    std::vector<std::string> lists_;
    std::set<std::string, std::less<>> apart_;
    std::map<std::string, std::size_t, std::less<>> slow_;
    std::function<void(const std::string&)> list_hook_;
    std::uint64_t version_ = 7;
    std::uint64_t compacted_ = 0;
    int expiring_ = 0;
    int throttled_ = 0;
    bool has_metadata_ = true;
};

}  // namespace backup::testing
