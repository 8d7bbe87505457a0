// SPDX-License-Identifier: Apache-2.0
#include "core/net/webhook.hpp"

#include "core/base/bytes.hpp"
#include "core/base/text.hpp"
#include "core/net/url.hpp"

#include <algorithm>
#include <utility>

namespace backup::net {

namespace {

using Milliseconds = std::chrono::milliseconds;

std::optional<unsigned> hex_digit(char character) {
    constexpr std::string_view digits = "0123456789abcdef";
    const auto lower = to_lower(std::string_view(&character, 1));
    const auto at = digits.find(lower);
    return at == std::string_view::npos ? std::nullopt : std::optional(static_cast<unsigned>(at));
}

/// RFC 3986 2.1; what is no escape stays as it is.
std::string percent_decode(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto high =
            text[at] == '%' && at + 2 < text.size() ? hex_digit(text[at + 1]) : std::nullopt;
        const auto low = high ? hex_digit(text[at + 2]) : std::nullopt;
        if (low) {
            out += static_cast<char>(*high * 16U + *low);
            at += 2;
        } else {
            out += text[at];
        }
    }
    return out;
}

/// Not about this message, but about the moment.
bool may_pass_later(int status) {
    constexpr int kRequestTimeout = 408;
    constexpr int kTooManyRequests = 429;
    return status == kRequestTimeout || status == kTooManyRequests || status >= 500;
}

}  // namespace

WebhookTarget parse_webhook(std::string_view url) {
    WebhookTarget target;
    std::string plain(url);
    const auto begin = std::min(plain.find("://"), plain.size());
    const auto host = std::min(begin + 3, plain.size());
    const auto path = std::min(plain.find_first_of("/?#", host), plain.size());
    const auto at = plain.substr(host, path - host).rfind('@');
    if (at != std::string::npos) {
        const auto user = percent_decode(plain.substr(host, at));
        const auto credentials = user.find(':') == std::string::npos ? user + ":" : user;
        target.authorization = "Basic " + to_base64(as_bytes(credentials));
        plain.erase(host, at + 1);
    }
    const auto failure = failure_of([&] {
        auto parsed = parse_url(plain);
        // A fragment is not for servers.
        parsed.path = parsed.path.substr(0, parsed.path.find('#'));
        target.url = format_url(parsed);
        parsed.path.clear();
        target.shown = format_url(parsed);
    });
    if (failure) {
        throw Error(ErrorCode::InvalidArgument, "this is not a URL of the form https://host/path");
    }
    return target;
}

Webhook::Webhook(WebhookTarget target,
                 std::unique_ptr<HttpTransport> transport,
                 Clock& clock,
                 WebhookOptions options)
    : target_(std::move(target)),
      transport_(std::move(transport)),
      clock_(clock),
      options_(options) {}

Webhook::~Webhook() = default;

void Webhook::post(std::string json, Milliseconds longest) {
    task_.request_stop();
    task_.wait();
    const auto deadline = clock_.steady_now() + longest;
    task_.start([this, json = std::move(json), deadline](const std::stop_token& stop) {
        deliver(json, deadline, stop);
    });
}

std::vector<std::string> Webhook::finish() {
    task_.wait();
    return std::exchange(*failures_.lock(), {});
}

void Webhook::deliver(const std::string& json,
                      std::chrono::steady_clock::time_point deadline,
                      const std::stop_token& stop) {
    const auto left = [&] {
        return std::chrono::duration_cast<Milliseconds>(deadline - clock_.steady_now());
    };
    std::optional<Error> failure;
    for (int attempt = 1; attempt <= options_.retry.attempts; ++attempt) {
        if (attempt > 1 &&
            !sleep_for(std::min(pause_before(options_.retry, attempt - 1), left()), stop)) {
            break;
        }
        if (left() <= Milliseconds(0)) {
            break;
        }
        failure = try_once(json, std::min(options_.attempt_timeout, left()), stop);
        if (!failure || !failure->is_retryable() || stop.stop_requested()) {
            break;
        }
    }
    if (failure && !stop.stop_requested()) {
        failures_.lock()->push_back(concat(target_.shown, ": ", failure->message()));
    }
}

std::optional<Error> Webhook::try_once(const std::string& json,
                                       Milliseconds timeout,
                                       const std::stop_token& stop) {
    Request request;
    request.method = "POST";
    request.url = target_.url;
    request.headers = {{"Content-Type", "application/json"}};
    if (!target_.authorization.empty()) {
        request.headers.emplace_back("Authorization", target_.authorization);
    }
    request.body = json;
    request.timeout = timeout;
    constexpr std::uint64_t kMostAnswer = 1U << 20U;
    request.response_limit_bytes = kMostAnswer;
    request.stop = stop;
    int status = 0;
    const auto failure = failure_of([&] {
        // What it answers is nobody's concern: only that it does.
        status = transport_->send(request, [](ByteView) { return false; }).status;
    });
    if (failure) {
        return failure;
    }
    constexpr int kSuccess = 200;
    constexpr int kRedirect = 300;
    if (status >= kSuccess && status < kRedirect) {
        return std::nullopt;
    }
    return Error(ErrorCode::Io, concat("it answered with HTTP status ", status))
        .retryable(may_pass_later(status));
}

}  // namespace backup::net
