// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_api_server.hpp"

#include "core/base/error.hpp"
#include "core/base/json.hpp"
#include "core/base/text.hpp"
#include "core/model/object.hpp"
#include "core/model/selector.hpp"

#include <algorithm>
#include <cctype>
#include <set>

namespace backup::testing {

namespace {

class FakeApiTransport : public net::HttpTransport {
  public:
    explicit FakeApiTransport(FakeApiServer& server) : server_(server) {}

    net::Response send(const net::Request& request, const net::OnBody& on_body) override {
        if (request.stop.stop_requested()) {
            throw Error(ErrorCode::Interrupted, "interrupted");
        }
        auto response = server_.answer(request);
        if (on_body && response.is_success()) {
            on_body(as_bytes(response.body));
            response.body.clear();
        }
        return response;
    }

    std::unique_ptr<net::Connection> connect(const net::ConnectRequest&) override {
        throw Error(ErrorCode::ClusterUnreachable, "no connections to this server");
    }

  private:
    FakeApiServer& server_;
};

net::Response status_answer(int code, std::string_view reason, std::string_view more = "{}") {
    net::Response response;
    response.status = code;
    response.headers = {{"content-type", "application/json"}};
    response.body = concat(R"({"kind":"Status","apiVersion":"v1","status":"Failure","code":)",
                           code,
                           R"(,"reason":")",
                           reason,
                           R"(","message":"the server says )",
                           reason,
                           R"(","metadata":)",
                           more,
                           "}");
    return response;
}

net::Response json_answer(std::string body) {
    net::Response response;
    response.status = 200;
    response.headers = {{"content-type", "application/json"}};
    response.body = std::move(body);
    return response;
}

std::string decode_percent(std::string_view text) {
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size()) {
            decoded += as_text(from_hex(text.substr(i + 1, 2)));
            i += 2;
        } else {
            decoded += text[i] == '+' ? ' ' : text[i];
        }
    }
    return decoded;
}

model::Labels labels_of(const std::string& object) {
    model::Labels labels;
    const Json json = parse_json(object);
    const auto* found = json.find_path({"metadata", "labels"});
    if (found != nullptr && found->is_object()) {
        for (const auto& [name, value] : found->members()) {
            labels[name] = value.string();
        }
    }
    return labels;
}

std::string metadata_of(const std::string& object) {
    Json partial = Json::object({{"metadata", *parse_json(object).find_path({"metadata"})}});
    return format_json(partial);
}

std::string strings(const std::vector<std::string>& words) {
    return format_json(Json(Json::Array(words.begin(), words.end())));
}

}  // namespace

FakeApiServer::FakeApiServer() {
    for (const auto* name : {"namespaces",
                             "persistentvolumes",
                             "storageclasses.storage.k8s.io",
                             "priorityclasses.scheduling.k8s.io",
                             "clusterroles.rbac.authorization.k8s.io",
                             "clusterrolebindings.rbac.authorization.k8s.io",
                             "customresourcedefinitions.apiextensions.k8s.io",
                             "apiservices.apiregistration.k8s.io"}) {
        add_resource(name, false);
    }
    for (const auto* name : {"configmaps",
                             "secrets",
                             "services",
                             "endpoints",
                             "pods",
                             "serviceaccounts",
                             "persistentvolumeclaims",
                             "events.events.k8s.io",
                             "deployments.apps",
                             "statefulsets.apps",
                             "rolebindings.rbac.authorization.k8s.io"}) {
        add_resource(name);
    }
    add("namespaces", "", "kube-system", R"("uid":"cluster-1")");
    add_namespace("default");
}

void FakeApiServer::add_resource(std::string_view name, bool namespaced) {
    model::ApiResource resource;
    const auto dot = name.find('.');
    resource.plural = name.substr(0, dot);
    resource.group = dot == std::string_view::npos ? "" : name.substr(dot + 1);
    resource.version = "v1";
    resource.singular = resource.plural.substr(0, resource.plural.size() - 1);
    resource.kind = resource.singular;
    resource.kind[0] = static_cast<char>(std::toupper(resource.kind[0]));
    resource.verbs = {"create", "delete", "get", "list"};
    resource.namespaced = namespaced;
    const std::scoped_lock lock(mutex_);
    resources_.push_back(std::move(resource));
}

void FakeApiServer::add(std::string_view resource, std::string bytes) {
    const Json json = parse_json(bytes);
    const std::scoped_lock lock(mutex_);
    objects_[std::string(resource)][{json.text_at({"metadata", "namespace"}),
                                     json.text_at({"metadata", "name"})}] = std::move(bytes);
}

void FakeApiServer::add(std::string_view resource,
                        std::string_view ns,
                        std::string_view name,
                        std::string_view metadata,
                        std::string_view members) {
    add(resource,
        concat(R"({"metadata":{"name":")",
               name,
               '"',
               ns.empty() ? "" : concat(R"(,"namespace":")", ns, '"'),
               R"(,"creationTimestamp":"2026-11-20T10:00:00Z")",
               metadata.empty() ? "" : ",",
               metadata,
               "}",
               members.empty() ? "" : ",",
               members,
               "}"));
}

void FakeApiServer::add_namespace(std::string_view name, std::string_view metadata) {
    add("namespaces", "", name, metadata);
}

void FakeApiServer::remove(std::string_view resource, std::string_view ns, std::string_view name) {
    const std::scoped_lock lock(mutex_);
    objects_[std::string(resource)].erase({std::string(ns), std::string(name)});
}

void FakeApiServer::refuse(std::string what, int status) {
    const std::scoped_lock lock(mutex_);
    refused_.emplace_back(std::move(what), status);
}

void FakeApiServer::break_group(std::string_view group) {
    const std::scoped_lock lock(mutex_);
    broken_groups_.emplace_back(group);
}

void FakeApiServer::expire_tokens(int count) {
    const std::scoped_lock lock(mutex_);
    expiring_ = count;
}

void FakeApiServer::set_version(std::uint64_t version) {
    const std::scoped_lock lock(mutex_);
    version_ = version;
}

void FakeApiServer::compact(std::uint64_t below) {
    const std::scoped_lock lock(mutex_);
    compacted_ = below;
}

void FakeApiServer::keep_apart(std::string_view resource) {
    const std::scoped_lock lock(mutex_);
    apart_.emplace(resource);
}

void FakeApiServer::refuse_metadata() {
    const std::scoped_lock lock(mutex_);
    has_metadata_ = false;
}

void FakeApiServer::slow_down(std::string_view resource, std::size_t limit) {
    const std::scoped_lock lock(mutex_);
    slow_[std::string(resource)] = limit;
}

void FakeApiServer::throttle(int count) {
    const std::scoped_lock lock(mutex_);
    throttled_ = count;
}

void FakeApiServer::on_list(std::function<void(const std::string&)> hook) {
    const std::scoped_lock lock(mutex_);
    list_hook_ = std::move(hook);
}

std::vector<std::string> FakeApiServer::lists() const {
    const std::scoped_lock lock(mutex_);
    return lists_;
}

std::vector<std::string> FakeApiServer::asked() const {
    const std::scoped_lock lock(mutex_);
    return asked_;
}

net::MakeTransport FakeApiServer::maker() {
    return
        [this](const net::TransportOptions&) { return std::make_unique<FakeApiTransport>(*this); };
}

net::Response FakeApiServer::answer(const net::Request& request) {
    const auto begin = request.url.find('/', request.url.find("://") + 3);
    const auto path = request.url.substr(begin, request.url.find('?') - begin);
    if (path == "/version") {
        return json_answer(R"({"major":"1","minor":"36","gitVersion":"v1.36.0"})");
    }
    const auto question = read(request);
    if (question.verb == "list") {
        std::function<void(const std::string&)> hook;
        {
            const std::scoped_lock lock(mutex_);
            hook = list_hook_;
        }
        if (hook) {
            hook(question.describe());
        }
    }
    const std::scoped_lock lock(mutex_);
    if (question.resource.empty()) {
        return discover(path);
    }
    return answer_question(question, request.body);
}

FakeApiServer::Question FakeApiServer::read(const net::Request& request) const {
    Question question;
    const auto mark = request.url.find('?');
    const auto begin = request.url.find('/', request.url.find("://") + 3);
    if (mark != std::string::npos) {
        for (const auto& pair : split(request.url.substr(mark + 1), '&')) {
            const auto equals = pair.find('=');
            question.query[pair.substr(0, equals)] = decode_percent(pair.substr(equals + 1));
        }
    }
    auto parts = split(request.url.substr(begin + 1, mark - begin - 1), '/');
    const bool is_core = parts[0] == "api";
    const std::string group = is_core || parts.size() < 2 ? "" : parts[1];
    parts.erase(parts.begin(),
                parts.begin() + std::min<std::ptrdiff_t>(is_core ? 2 : 3, std::ssize(parts)));
    if (parts.size() >= 3 && parts[0] == "namespaces") {
        question.ns = parts[1];
        parts.erase(parts.begin(), parts.begin() + 2);
    }
    if (parts.empty()) {
        return question;
    }
    question.resource = group.empty() ? parts[0] : concat(parts[0], ".", group);
    question.name = parts.size() > 1 ? parts[1] : "";
    question.verb = request.method != "GET" ? "create" : question.name.empty() ? "list" : "get";
    const auto* accept = net::find_header(request.headers, "Accept");
    question.wants_metadata =
        accept != nullptr && accept->find("as=PartialObjectMetadataList") != std::string::npos;
    return question;
}

std::string FakeApiServer::Question::value(const char* word) const {
    const auto found = query.find(word);
    return found == query.end() ? std::string() : found->second;
}

std::string FakeApiServer::Question::describe() const {
    const auto version = value("resourceVersion");
    const auto field = value("fieldSelector");
    return concat(resource,
                  ns.empty() ? "" : " ",
                  ns,
                  wants_metadata ? " metadata" : "",
                  version.empty() ? "" : concat(" at ", version),
                  field.empty() ? "" : concat(" ", field.substr(field.find('.') + 1)),
                  value("continue").empty() ? "" : " next");
}

net::Response FakeApiServer::answer_question(const Question& question, const std::string& body) {
    if (question.resource == "selfsubjectaccessreviews.authorization.k8s.io") {
        return review(body);
    }
    auto text = concat(question.verb, " ", question.resource, " ", question.ns);
    int status = 0;
    const bool refused = is_refused(text, status);
    asked_.push_back(question.name.empty() ? text : concat(text, " ", question.name));
    if (refused) {
        return status_answer(status, status == 403 ? "Forbidden" : "InternalError");
    }
    if (question.verb == "create") {
        return status_answer(403, "Forbidden");
    }
    if (question.verb == "list") {
        return list(question);
    }
    const auto& objects = objects_[question.resource];
    const auto found = objects.find({question.ns, question.name});
    return found == objects.end() ? status_answer(404, "NotFound") : json_answer(found->second);
}

/// What goes wrong with a list, when anything does.
std::optional<net::Response> FakeApiServer::find_fault(const Question& question) {
    if (throttled_ > 0) {
        --throttled_;
        auto busy = status_answer(429, "TooManyRequests");
        busy.headers.emplace_back("retry-after", "1");
        return busy;
    }
    const auto token = question.value("continue");
    if (!token.empty() && expiring_ > 0) {
        --expiring_;
        return status_answer(410, "Expired", concat(R"({"continue":"again-)", token, R"("})"));
    }
    const auto version = question.value("resourceVersion");
    if (!version.empty() && apart_.contains(question.resource)) {
        return status_answer(504, "Timeout: Too large resource version");
    }
    if (!version.empty() && std::stoull(version) < compacted_) {
        return status_answer(410, "Expired");
    }
    const auto slow = slow_.find(question.resource);
    if (slow != slow_.end() && std::stoul(question.value("limit")) > slow->second) {
        return status_answer(504, "Timeout");
    }
    return std::nullopt;
}

std::vector<std::string> FakeApiServer::select(const Question& question) {
    const auto selector = model::parse_label_selector(question.value("labelSelector"));
    const auto field = question.value("fieldSelector");
    const auto name = field.substr(field.find('=') + 1);
    std::vector<std::string> items;
    for (const auto& [key, bytes] : objects_[question.resource]) {
        if ((question.ns.empty() || key.first == question.ns) &&
            (field.empty() || key.second == name) && model::matches(selector, labels_of(bytes))) {
            items.push_back(bytes);
        }
    }
    return items;
}

net::Response FakeApiServer::list(const Question& question) {
    lists_.push_back(question.describe());
    if (auto fault = find_fault(question)) {
        return std::move(*fault);
    }
    const auto token = question.value("continue");
    const auto first_digit = token.find_first_of("0123456789");
    const std::string digits = first_digit == std::string::npos ? "" : token.substr(first_digit);
    const std::size_t from = digits.empty() ? 0 : std::stoul(digits);
    const auto asked_limit = question.value("limit");
    const std::size_t limit = asked_limit.empty() ? 500 : std::stoul(asked_limit);
    const auto items = select(question);
    const std::size_t to = std::min(items.size(), from + limit);
    std::vector<std::string> page(items.begin() + static_cast<std::ptrdiff_t>(std::min(from, to)),
                                  items.begin() + static_cast<std::ptrdiff_t>(to));
    const bool is_metadata = question.wants_metadata && has_metadata_;
    if (is_metadata) {
        std::transform(page.begin(), page.end(), page.begin(), &metadata_of);
    }
    const auto version = question.value("resourceVersion");
    return json_answer(concat(R"({"kind":")",
                              is_metadata ? "PartialObjectMetadataList" : "List",
                              R"(","apiVersion":"v1","metadata":{"resourceVersion":")",
                              version.empty() ? std::to_string(version_) : version,
                              '"',
                              to < items.size() ? concat(R"(,"continue":")", to, '"') : "",
                              R"(},"items":[)",
                              join(page, ","),
                              "]}"));
}

net::Response FakeApiServer::review(const std::string& body) const {
    const Json json = parse_json(body);
    const auto resource = json.text_at({"spec", "resourceAttributes", "resource"});
    const auto subresource = json.text_at({"spec", "resourceAttributes", "subresource"});
    int status = 0;
    const bool denied = is_refused(
        concat("review ", resource, subresource.empty() ? "" : "/", subresource), status);
    return json_answer(concat(R"({"status":{"allowed":)", denied ? "false" : "true", "}}"));
}

net::Response FakeApiServer::discover(const std::string& path) const {
    if (path == "/api") {
        return json_answer(R"({"kind":"APIVersions","versions":["v1"]})");
    }
    if (path == "/apis") {
        std::set<std::string> groups;
        for (const auto& resource : resources_) {
            groups.insert(resource.group);
        }
        groups.insert(broken_groups_.begin(), broken_groups_.end());
        groups.erase("");
        std::vector<std::string> texts;
        for (const auto& group : groups) {
            const auto version = concat(R"({"groupVersion":")", group, R"(/v1","version":"v1"})");
            texts.push_back(concat(R"({"name":")",
                                   group,
                                   R"(","versions":[)",
                                   version,
                                   R"(],"preferredVersion":)",
                                   version,
                                   "}"));
        }
        return json_answer(concat(
            R"({"kind":"APIGroupList","apiVersion":"v1","groups":[)", join(texts, ","), "]}"));
    }
    const auto parts = split(path.substr(1), '/');
    const std::string group = parts[0] == "api" || parts.size() < 2 ? "" : parts[1];
    if (std::find(broken_groups_.begin(), broken_groups_.end(), group) != broken_groups_.end()) {
        return status_answer(503, "ServiceUnavailable");
    }
    std::vector<std::string> texts;
    for (const auto& resource : resources_) {
        if (resource.group == group) {
            texts.push_back(concat(R"({"name":")",
                                   resource.plural,
                                   R"(","singularName":")",
                                   resource.singular,
                                   R"(","kind":")",
                                   resource.kind,
                                   R"(","namespaced":)",
                                   resource.namespaced ? "true" : "false",
                                   R"(,"verbs":)",
                                   strings(resource.verbs),
                                   "}"));
        }
    }
    return json_answer(concat(R"({"kind":"APIResourceList","groupVersion":")",
                              group.empty() ? "v1" : group + "/v1",
                              R"(","resources":[)",
                              join(texts, ","),
                              "]}"));
}

bool FakeApiServer::is_refused(const std::string& question, int& status) const {
    for (const auto& [what, code] : refused_) {
        if (question.starts_with(what)) {
            status = code;
            return true;
        }
    }
    return false;
}

}  // namespace backup::testing
