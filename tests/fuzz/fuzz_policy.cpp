// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/capture/policy.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using backup::ErrorCode;
    try {
        const auto policy =
            backup::capture::parse_policy({reinterpret_cast<const char*>(data), size});
        // What was read must be of use: a scope, and an answer about any volume.
        static_cast<void>(backup::capture::make_scope(policy.scope, "default"));
        backup::capture::VolumeFacts volume;
        volume.ns = "shop";
        volume.claim = "data";
        volume.bytes = 1U << 30U;
        volume.type = "csi";
        const auto choice = backup::capture::choose_volume(volume, policy.volumes);
        if (backup::capture::to_text(choice.action).empty()) {
            std::abort();
        }
    } catch (const backup::Error& error) {
        const bool is_expected =
            error.code() == ErrorCode::InvalidArgument || error.code() == ErrorCode::Usage;
        // A message is for a terminal, and what is hostile in it must not fill it.
        const std::string_view text = error.what();
        if (!is_expected || text.size() > 4096 || text.find('\x1b') != text.npos) {
            std::abort();
        }
    }
    return 0;
}
