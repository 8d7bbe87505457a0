// SPDX-License-Identifier: Apache-2.0
#include "plugin/commands/notifier.hpp"

#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/capture/notify.hpp"
#include "core/net/http_curl.hpp"
#include "core/net/webhook.hpp"
#include "plugin/context.hpp"
#include "plugin/version.hpp"

#include <set>
#include <utility>

namespace backup::plugin {

namespace {

using std::chrono::milliseconds;

/// The start is told beside the work; it may take its time.
constexpr milliseconds kStartLimit{60'000};
/// The end keeps a person, or a job, waiting.
constexpr milliseconds kEndLimit{30'000};
/// Who pressed Ctrl-C wants to be gone.
constexpr milliseconds kInterruptedLimit{3'000};

net::WebhookTarget target_of(const std::string& url) {
    std::optional<net::WebhookTarget> target;
    if (failure_of([&] { target = net::parse_webhook(url); })) {
        throw Error(ErrorCode::Usage, "--notify is not a URL of the form https://host/path");
    }
    return std::move(*target);
}

}  // namespace

Flag notify_flag() {
    return {"notify",
            0,
            FlagKind::Text,
            "URL",
            "",
            "post start, success and failure of the run there, as JSON; never stops the backup",
            ""};
}

Notifier::Notifier(Context& context, const std::string& url) : context_(context) {
    if (url.empty()) {
        return;
    }
    net::TransportOptions options;
    options.user_agent = concat("kubectl-backup/", kVersion);
    webhook_ = std::make_unique<net::Webhook>(
        target_of(url), net::make_curl_transport(options), context.app().clock);
    planned_.name = "create";
    planned_.host = context.app().host;
    planned_.program = concat("kubectl-backup ", kVersion);
}

Notifier::~Notifier() = default;

int Notifier::watch(const std::function<int()>& run) {
    int exit_code = 0;
    const auto failure = failure_of([&] { exit_code = run(); });
    if (webhook_ != nullptr) {
        if (result_) {
            const auto code = failure ? failure->exit_code() : exit_code;
            const auto notice = capture::notice_of_end(result_->point, result_->ledger, code);
            webhook_->post(format_json(notice), kEndLimit);
        } else if (failure) {
            tell_error(*failure);
        }
        finish();
    }
    if (failure) {
        throw Error(*failure);
    }
    return exit_code;
}

void Notifier::started(const model::RecoveryPoint& point) {
    if (webhook_ != nullptr) {
        planned_ = point;
        webhook_->post(format_json(capture::notice_of_start(point)), kStartLimit);
    }
}

void Notifier::made(const model::RecoveryPoint& point, const model::Ledger& ledger) {
    if (webhook_ != nullptr) {
        result_ = Result{point, ledger};
    }
}

void Notifier::tell_error(const Error& error) {
    const auto now = context_.app().clock.now();
    const bool is_interrupted = error.code() == ErrorCode::Interrupted;
    webhook_->post(format_json(capture::notice_of_error(planned_, error, now)),
                   is_interrupted ? kInterruptedLimit : kEndLimit);
}

void Notifier::finish() {
    const auto lines = webhook_->finish();
    for (const auto& line : std::set<std::string>(lines.begin(), lines.end())) {
        context_.warn(concat("a notification did not arrive at ", line));
    }
}

}  // namespace backup::plugin
