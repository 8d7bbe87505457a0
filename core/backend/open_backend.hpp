// SPDX-License-Identifier: Apache-2.0
// From what a person writes after --repo to a backend.
#pragma once

#include "core/backend/backend.hpp"

#include <memory>
#include <string_view>

namespace backup::backend {

/// A path, or file:///absolute/path (percent-encoded). Throws InvalidArgument for what is neither,
/// Unsupported for s3:// and other object stores. Touches nothing: the place may not exist yet.
std::unique_ptr<Backend> open_backend(std::string_view url);

}  // namespace backup::backend
