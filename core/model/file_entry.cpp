// SPDX-License-Identifier: Apache-2.0
#include "core/model/file_entry.hpp"

#include <string_view>

namespace backup::model {

bool is_unchanged(const FileEntry& before, const FileEntry& now) {
    if (before.is_racy || before.changed_while_read || before.content_unreadable) {
        return false;
    }
    return before.type == now.type && before.size == now.size && before.mtime_ns == now.mtime_ns &&
           before.ctime_ns == now.ctime_ns && before.inode == now.inode &&
           before.mode == now.mode && before.uid == now.uid && before.gid == now.gid &&
           before.device_major == now.device_major && before.device_minor == now.device_minor &&
           before.link_target == now.link_target;
}

bool is_valid_name(std::string_view name) {
    constexpr std::size_t kLongest = 255;
    return !name.empty() && name.size() <= kLongest && name != "." && name != ".." &&
           name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

}  // namespace backup::model
