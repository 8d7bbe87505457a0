// SPDX-License-Identifier: Apache-2.0
// The blob `config`: docs/format.md section 4.
#pragma once

#include "core/repository/repository.hpp"

namespace backup::repository {

/// Throws InvalidArgument when they are outside of the format's limits.
void check_parameters(const Parameters& parameters);

Bytes encode_config(const RepositoryId& id,
                    const KeyRing& keys,
                    const Parameters& parameters,
                    TimePoint created,
                    Random& random);

/// Throws CorruptData or UnknownFormat.
Parameters decode_config(ByteView blob, const RepositoryId& id, const KeyRing& keys);

}  // namespace backup::repository
