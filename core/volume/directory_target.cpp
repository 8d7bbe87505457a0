// SPDX-License-Identifier: Apache-2.0
#include "core/volume/directory_target.hpp"

#include <cerrno>
#include <cstdio>
#include <unistd.h>

namespace backup::volume {

DirectoryTarget::~DirectoryTarget() {
    if (entry_ != nullptr) {
        ledger_.attributes.restore_open(directory_.get(), *entry_);
    }
}

std::string path_text(const TargetPath* directory, std::string_view name) {
    std::size_t size = name.size();
    for (auto part = directory; part != nullptr; part = part->above.get()) {
        size += part->name.size() + 1;
    }
    std::string text(size, '/');
    text.replace(size - name.size(), name.size(), name);
    size -= name.size();
    for (auto part = directory; part != nullptr; part = part->above.get()) {
        size -= part->name.size() + 1;
        text.replace(size, part->name.size(), part->name);
    }
    return text;
}

bool DirectoryTarget::put_in_place(const std::string& working, const std::string& name) const {
    if (working == name) {
        return true;
    }
    if (::renameat(get(), working.c_str(), get(), name.c_str()) == 0) {
        return true;
    }
    const int reason = errno;
    ::unlinkat(get(), working.c_str(), 0);
    ledger_.fail(path_of(name), "put in place", reason);
    return false;
}

}  // namespace backup::volume
