// SPDX-License-Identifier: Apache-2.0
// A tool of the build: pack_file FROM TO writes FROM as one zstd frame, as small as it gets.
#include "core/base/file_descriptor.hpp"
#include "core/content/compression.hpp"

#include <cstdlib>

int main(int argc, char** argv) {
    constexpr int kSmallest = 22;
    if (argc != 3) {
        return EXIT_FAILURE;
    }
    const auto plain = backup::read_file(argv[1]);
    const auto packed = backup::content::Compressor(kSmallest).compress(plain);
    if (!packed) {
        return EXIT_FAILURE;
    }
    backup::write_file_atomically(argv[2], *packed, 0644);
    return EXIT_SUCCESS;
}
