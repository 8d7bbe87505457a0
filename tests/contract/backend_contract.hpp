// SPDX-License-Identifier: Apache-2.0
// What every backend must do. `make` returns a new, empty one each time; `reopen` a second view of
// the same blobs (another process), or nothing when there is no such thing.
#pragma once

#include "core/backend/backend.hpp"

#include <functional>
#include <memory>

namespace backup::testing {

void check_backend_contract(const std::function<std::unique_ptr<backend::Backend>()>& make);

}  // namespace backup::testing
