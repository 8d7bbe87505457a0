// SPDX-License-Identifier: Apache-2.0
// Output held against a committed file: the diff of the file is the review of the change.
#pragma once

#include <string_view>

namespace backup::testing {

/// Compares with tests/golden/<name>; BACKUP_ACCEPT=1 writes the file instead.
void check_golden(std::string_view name, std::string_view actual);

}  // namespace backup::testing
