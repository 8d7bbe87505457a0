// SPDX-License-Identifier: Apache-2.0
// `create --notify URL`: start, success and failure of a run are told to a web server. Whatever
// becomes of that, the run and its exit code are the same; a warning says what did not arrive.
#pragma once

#include "core/base/error.hpp"
#include "core/model/ledger.hpp"
#include "core/model/recovery_point.hpp"
#include "plugin/cli/command.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace backup::net {
class Webhook;
}

namespace backup::plugin {

class Context;

/// --notify
Flag notify_flag();

class Notifier {
  public:
    /// Tells nobody when `url` is empty. Throws Usage when it is no URL, without repeating it: it
    /// may hold a password, and its path may be one.
    Notifier(Context& context, const std::string& url);
    ~Notifier();
    Notifier(const Notifier&) = delete;
    Notifier& operator=(const Notifier&) = delete;

    /// Runs `run` and tells how it ended; gives its exit code, throws its error.
    int watch(const std::function<int()>& run);

    // Called from inside `run`.
    void started(const model::RecoveryPoint& point);
    void made(const model::RecoveryPoint& point, const model::Ledger& ledger);

  private:
    struct Result {
        model::RecoveryPoint point;
        model::Ledger ledger;
    };

    void tell_error(const Error& error);
    void finish();

    Context& context_;
    std::unique_ptr<net::Webhook> webhook_;
    model::RecoveryPoint planned_;
    std::optional<Result> result_;
};

}  // namespace backup::plugin
