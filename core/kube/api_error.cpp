// SPDX-License-Identifier: Apache-2.0
#include "core/kube/api_error.hpp"

#include "core/base/json.hpp"
#include "core/base/text.hpp"
#include "core/kube/refusal.hpp"
#include "core/model/access_rule.hpp"
#include "core/model/json_scanner.hpp"

#include <algorithm>
#include <charconv>

namespace backup::kube {

namespace {

constexpr std::size_t kLongestMessage = 2000;
constexpr std::size_t kLongestStatus = 4U << 20U;

std::optional<int> parse_seconds(std::string_view text) {
    int seconds = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (problem != std::errc{} || end != text.data() + text.size() || seconds < 0) {
        return std::nullopt;
    }
    return seconds;
}

/// A cheap look before parse_json, which throws: only a well-formed object gets there.
bool looks_like_object(std::string_view body) {
    const auto text = trim(body);
    return text.size() < kLongestStatus && text.starts_with('{') && text.ends_with('}');
}

void read_status_json(const Json& json, Status& status) {
    if (json.text_at({"kind"}) != "Status") {
        return;
    }
    status.reason = json.text_at({"reason"});
    status.message = json.text_at({"message"});
    status.continue_token = json.text_at({"metadata", "continue"});
    if (const auto* seconds = json.find_path({"details", "retryAfterSeconds"});
        seconds != nullptr && seconds->is_number() && !status.retry_after_seconds) {
        status.retry_after_seconds = parse_seconds(seconds->number_text());
    }
}

std::string describe(const Asked& asked) {
    auto text = asked.resource.empty() ? asked.name : asked.resource;
    if (!asked.group.empty()) {
        text += "." + asked.group;
    }
    if (!asked.resource.empty() && !asked.name.empty()) {
        text += " '" + asked.name + "'";
    }
    return asked.ns.empty() ? text : text + " in namespace " + asked.ns;
}

std::string hint_of_refusal(const Status& status, const Asked& asked) {
    const auto place = asked.ns.empty() ? std::string("the cluster") : "namespace " + asked.ns;
    switch (refusal_of(status.message)) {
        case Refusal::Quota:
            return asked.ns.empty() ? "a quota leaves no room for it"
                                    : concat(
                                          "a quota leaves no room for it: see 'kubectl describe "
                                          "quota,limits -n ",
                                          asked.ns,
                                          "'");
        case Refusal::Admission:
            return concat("an admission policy of ", place, " does not allow it");
        case Refusal::NamespaceTerminating:
            return concat(place, " is being deleted: nothing can be made in it any more");
        case Refusal::MissingRule:
            break;
    }
    std::vector<model::AccessRule> rules;
    for (const auto& verb : split(asked.verb, ',')) {
        rules.push_back({std::string(trim(verb)), asked.group, asked.resource, asked.ns});
    }
    return asked.resource.empty() ? std::string() : model::describe_missing(rules);
}

ErrorCode code_of(const Status& status) {
    switch (status.code) {
        case 401:
            return ErrorCode::Unauthorized;
        case 403:
            return ErrorCode::Forbidden;
        case 404:
            return ErrorCode::KubeNotFound;
        case 409:
            return status.reason == "AlreadyExists" ? ErrorCode::AlreadyExists
                                                    : ErrorCode::KubeConflict;
        case 410:
            return ErrorCode::KubeExpired;
        case 429:
            return ErrorCode::KubeThrottled;
        default:
            return status.code >= 500 ? ErrorCode::KubeServerError : ErrorCode::KubeInvalid;
    }
}

}  // namespace

Status read_status(const net::Response& response) {
    Status status;
    status.code = response.status;
    if (const auto* after = net::find_header(response.headers, "retry-after")) {
        status.retry_after_seconds = parse_seconds(*after);
    }
    if (looks_like_object(response.body)) {
        if (const auto json = find_json(response.body)) {
            read_status_json(*json, status);
        }
    }
    if (status.message.empty()) {
        status.message = concat("HTTP status ", response.status);
        const auto body = trim(response.body);
        if (!body.empty() && !body.starts_with('<')) {
            status.message += concat(": ", body.substr(0, kLongestMessage));
        }
    }
    status.message = printable(status.message.substr(0, kLongestMessage));
    return status;
}

bool is_unknown_version(const Status& status) {
    const std::string_view text = status.message;
    return status.code >= 500 &&
           (text.find("Too large resource version") != std::string_view::npos ||
            text.find("future revision") != std::string_view::npos);  // servers before 1.21
}

Error api_error(const Status& status, const Asked& asked) {
    const auto code = code_of(status);
    auto what = asked.verb.empty() ? std::string() : concat(asked.verb, " ", describe(asked), ": ");
    auto error = Error(code, what + status.message);
    if (code == ErrorCode::Forbidden) {
        return std::move(error).hint(hint_of_refusal(status, asked));
    }
    if (code == ErrorCode::KubeThrottled || code == ErrorCode::KubeServerError) {
        return std::move(error).retryable();
    }
    return error;
}

}  // namespace backup::kube
