// SPDX-License-Identifier: Apache-2.0
#include "fuse/plugin_handover.hpp"

#include "core/base/process.hpp"

#include <algorithm>
#include <filesystem>
#include <vector>

namespace backup::fuse {

bool is_for_plugin(std::span<const std::string> words) {
    const auto names = [&words](std::initializer_list<std::string_view> options) {
        return std::ranges::any_of(words, [&options](const std::string& word) {
            return std::ranges::any_of(
                options, [&word](std::string_view option) { return word.starts_with(option); });
        });
    };
    return !names({"--repo"}) || !names({"--secret-fd", "--key-file", "--passphrase-file"});
}

void hand_to_plugin(std::span<const std::string> words) {
    const auto plugin =
        (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "kubectl-backup").string();
    std::vector<std::string> command = {plugin, "mount"};
    command.insert(command.end(), words.begin(), words.end());
    replace_process(command);
}

}  // namespace backup::fuse
