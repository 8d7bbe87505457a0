// SPDX-License-Identifier: Apache-2.0
#include "core/repository/blob_access.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

namespace backup::repository {

Bytes get_blob(backend::Backend& backend, std::string_view name, std::uint64_t limit_bytes) {
    const auto size = backend.size(name);
    if (size > limit_bytes) {
        throw Error(ErrorCode::CorruptData,
                    concat(name,
                           " has ",
                           size,
                           " bytes, more than the ",
                           limit_bytes,
                           " such a blob may have"));
    }
    return backend.get(name);
}

Bytes get_named_blob(backend::Backend& backend,
                     std::string_view name,
                     const content::Digest& digest,
                     std::uint64_t limit_bytes) {
    auto blob = get_blob(backend, name, limit_bytes);
    if (content::sha256(blob) != digest) {
        throw Error(ErrorCode::CorruptData, concat(name, " is damaged: its hash is not its name"));
    }
    return blob;
}

}  // namespace backup::repository
