// SPDX-License-Identifier: Apache-2.0
// What `create --notify` tells about a run, as JSON; core/net/webhook.hpp carries it. Holds no
// content of objects or files, no command of a hook and nothing that one printed.
#pragma once

#include "core/base/error.hpp"
#include "core/model/ledger.hpp"
#include "core/model/recovery_point.hpp"

namespace backup::capture {

/// docs/ledger.md has the members. `point` needs a name, `created`, host and program.
Json notice_of_start(const model::RecoveryPoint& point);

/// The point was stored. An exit code other than 0 makes it the event "failure": who only looks at
/// the event must not take an incomplete point for a backup.
Json notice_of_end(const model::RecoveryPoint& point, const model::Ledger& ledger, int exit_code);

/// No point was stored.
Json notice_of_error(const model::RecoveryPoint& point, const Error& error, TimePoint now);

}  // namespace backup::capture
