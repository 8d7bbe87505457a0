// SPDX-License-Identifier: Apache-2.0
#include "plugin/mover/embedded_mover.hpp"

#include <cstddef>

// BACKUP_LOADER_FILE and BACKUP_MOVER_FILE are paths of the build.
asm(".pushsection .rodata\n"
    ".balign 16\n"
    "backup_loader_begin:\n"
    ".incbin \"" BACKUP_LOADER_FILE
    "\"\n"
    "backup_loader_end:\n"
    ".balign 16\n"
    "backup_mover_begin:\n"
    ".incbin \"" BACKUP_MOVER_FILE
    "\"\n"
    "backup_mover_end:\n"
    ".global backup_loader_begin, backup_loader_end, backup_mover_begin, backup_mover_end\n"
    ".popsection\n");

extern "C" {
extern const std::byte backup_loader_begin[];
extern const std::byte backup_loader_end[];
extern const std::byte backup_mover_begin[];
extern const std::byte backup_mover_end[];
}

namespace backup::plugin {

volume::MoverProgram embedded_mover() {
    return {BACKUP_MOVER_ARCHITECTURE,
            ByteView(backup_loader_begin, backup_loader_end),
            ByteView(backup_mover_begin, backup_mover_end)};
}

}  // namespace backup::plugin
