// SPDX-License-Identifier: Apache-2.0
// A backup that calls the backend from one thread at a time, so that a schedule can be repeated:
// everything that asks the index comes before the first pack is written.
#pragma once

#include "tests/support/test_repository.hpp"

namespace backup::model_test {

/// As testing::write_point, in that order.
repository::PointRecord write_in_order(const repository::Repository& repository,
                                       const std::string& name,
                                       const testing::Files& files,
                                       Random& random,
                                       Clock& clock);

}  // namespace backup::model_test
