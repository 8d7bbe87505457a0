// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/volume_pod/fake_api.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <set>

namespace backup::testing {

namespace {

class Transport : public net::HttpTransport {
  public:
    explicit Transport(FakeApi& api) : api_(api) {}

    net::Response send(const net::Request& request, const net::OnBody& on_body) override {
        auto response = api_.answer(request);
        if (on_body && response.status == 200) {
            on_body(as_bytes(response.body));
            response.body.clear();
        }
        return response;
    }

    std::unique_ptr<net::Connection> connect(const net::ConnectRequest&) override {
        throw Error(ErrorCode::ClusterUnreachable, "no connections here");
    }

  private:
    FakeApi& api_;
};

std::string decoded(std::string text) {
    for (const auto& [code, character] : {std::pair{"%2F", "/"}, {"%3D", "="}, {"%2C", ","}}) {
        for (auto at = text.find(code); at != std::string::npos; at = text.find(code)) {
            text.replace(at, 3, character);
        }
    }
    return text;
}

/// Only "key=value,key=value".
bool is_selected(const Json& object, const std::string& query) {
    for (const auto& parameter : split(query, '&')) {
        if (!parameter.starts_with("labelSelector=")) {
            continue;
        }
        const auto text = decoded(parameter.substr(parameter.find('=') + 1));
        for (const auto& term : split(text, ',')) {
            const auto at = term.find('=');
            if (object.text_at({"metadata", "labels", term.substr(0, at)}) != term.substr(at + 1)) {
                return false;
            }
        }
    }
    return true;
}

void merge(const Json& patch, Json& object) {
    for (const auto& [name, value] : patch.members()) {
        if (value.is_object()) {
            merge(value, object[name]);
        } else {
            object[name] = value;
        }
    }
}

bool is_collection(const std::string& path) {
    const auto last = path.substr(path.rfind('/') + 1);
    const std::set<std::string> collections{"pods",
                                            "configmaps",
                                            "nodes",
                                            "events",
                                            "persistentvolumeclaims",
                                            "persistentvolumes",
                                            "volumesnapshots",
                                            "volumesnapshotcontents"};
    return collections.contains(last);
}

}  // namespace

kube::ClusterConfig FakeApi::config() {
    kube::ClusterConfig config;
    config.server = "https://kube";
    return config;
}

kube::ClientOptions FakeApi::options() {
    kube::ClientOptions options;
    options.make_transport = [this](const net::TransportOptions&) {
        return std::make_unique<Transport>(*this);
    };
    options.clock = &clock;
    options.sleep = [this](std::chrono::nanoseconds duration, const std::stop_token& stop) {
        clock.advance(duration);
        return !stop.stop_requested();
    };
    return options;
}

net::Response FakeApi::status(int code, const std::string& reason, const std::string& message) {
    net::Response response;
    response.status = code;
    response.body = format_json(Json::object({{"kind", "Status"},
                                              {"status", "Failure"},
                                              {"reason", reason},
                                              {"message", message},
                                              {"code", code}}));
    return response;
}

void FakeApi::put(const std::string& path, Json object) {
    auto& metadata = object["metadata"];
    metadata["name"] = path.substr(path.rfind('/') + 1);
    const auto parts = split(path, '/');
    const auto word = std::ranges::find(parts, "namespaces");
    if (std::distance(word, parts.end()) > 2) {
        metadata["namespace"] = *(word + 1);
    }
    metadata["uid"] = concat("uid-", next_uid_++);
    if (metadata.find("creationTimestamp") == nullptr) {
        metadata["creationTimestamp"] = format_rfc3339(clock.now());
    }
    objects_[path] = std::move(object);
}

std::optional<Json> FakeApi::find(const std::string& path) const {
    const auto found = objects_.find(path);
    return found == objects_.end() ? std::nullopt : std::optional(found->second);
}

void FakeApi::change(const std::string& path, const std::function<void(Json&)>& edit) {
    edit(objects_.at(path));
}

void FakeApi::erase(const std::string& path) {
    objects_.erase(path);
}

std::vector<std::string> FakeApi::names(const std::string& prefix) const {
    std::vector<std::string> names;
    for (const auto& [path, object] : objects_) {
        if (path.starts_with(prefix)) {
            names.push_back(object.text_at({"metadata", "name"}));
        }
    }
    return names;
}

net::Response FakeApi::list(const std::string& path, const std::string& query) const {
    const auto kind = path.substr(path.rfind('/'));
    const bool is_of_all = path.find("/namespaces/") == std::string::npos && kind != "/nodes";
    Json items = Json::array();
    for (const auto& [object_path, object] : objects_) {
        const bool is_there = is_of_all ? object_path.find(kind + "/") != std::string::npos
                                        : object_path.starts_with(path + "/");
        if (is_there && is_selected(object, query)) {
            items.push_back(object);
        }
    }
    net::Response response;
    response.status = 200;
    response.body =
        format_json(Json::object({{"kind", "List"},
                                  {"apiVersion", "v1"},
                                  {"metadata", Json::object({{"resourceVersion", "1"}})},
                                  {"items", std::move(items)}}));
    return response;
}

net::Response FakeApi::answer(const net::Request& request) {
    const auto url = request.url.substr(std::string("https://kube").size());
    const auto path = url.substr(0, url.find('?'));
    const auto query = url.size() > path.size() ? url.substr(path.size() + 1) : std::string();
    lines.push_back(request.method + " " + path);
    if (refuse) {
        if (auto refusal = refuse(request, path)) {
            return *refusal;
        }
    }
    if (request.method == "GET" && is_collection(path)) {
        return list(path, query);
    }
    net::Response response;
    response.status = 200;
    if (request.method == "POST") {
        auto object = parse_json(request.body);
        const auto full = path + "/" + object.text_at({"metadata", "name"});
        if (objects_.contains(full)) {
            return status(409, "AlreadyExists", "there is one");
        }
        if (on_create) {
            on_create(full, object);
        }
        put(full, std::move(object));
        response.status = 201;
        response.body = format_json(objects_[full]);
        return response;
    }
    const auto found = objects_.find(path);
    if (found == objects_.end()) {
        return status(404, "NotFound", path + " not found");
    }
    const bool is_dry = (query + request.body).find("dryRun") != std::string::npos;
    if (request.method == "PATCH" && !is_dry) {
        merge(parse_json(request.body), found->second);
    }
    response.body = format_json(found->second);
    if (request.method == "DELETE" && !is_dry) {
        objects_.erase(found);
        if (on_delete) {
            on_delete(path);
        }
    }
    return response;
}

}  // namespace backup::testing
