// SPDX-License-Identifier: Apache-2.0
#include "core/volume/mover_program.hpp"

#include "core/content/hash.hpp"

namespace backup::volume {

std::string short_digest(const MoverProgram& program) {
    constexpr std::size_t kDigestBytes = 6;
    content::Sha256 hash;
    hash.update(program.loader);
    hash.update(program.packed_mover);
    const auto digest = hash.finish();
    return to_hex(ByteView(digest).first(kDigestBytes));
}

}  // namespace backup::volume
