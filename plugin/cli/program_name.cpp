// SPDX-License-Identifier: Apache-2.0
#include "plugin/cli/program_name.hpp"

#include <algorithm>

namespace backup::plugin {

namespace {

constexpr std::string_view kOwnName = "kubectl backup";

}  // namespace

std::string program_name(std::string_view argv0) {
    constexpr std::string_view kPrefix = "kubectl-";
    const auto slash = argv0.rfind('/');
    std::string name(slash == std::string_view::npos ? argv0 : argv0.substr(slash + 1));
    if (name.empty()) {
        return std::string(kOwnName);
    }
    if (!name.starts_with(kPrefix) || name.size() == kPrefix.size()) {
        return name;
    }
    name.erase(0, kPrefix.size());
    std::ranges::replace(name, '_', '-');
    return "kubectl " + name;
}

std::string for_program(std::string_view text, std::string_view program) {
    std::string out;
    for (;;) {
        const auto at = text.find(kOwnName);
        out += text.substr(0, at);
        if (at == std::string_view::npos) {
            return out;
        }
        out += program;
        text.remove_prefix(at + kOwnName.size());
    }
}

}  // namespace backup::plugin
