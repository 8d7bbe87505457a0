// SPDX-License-Identifier: Apache-2.0
#include "plugin/app.hpp"

#include <system_error>

namespace backup::plugin {

Environment own_environment(const char* const* variables) {
    Environment environment;
    for (; variables != nullptr && *variables != nullptr; ++variables) {
        const std::string_view variable = *variables;
        const auto equals = variable.find('=');
        if (equals != std::string_view::npos) {
            environment.emplace(variable.substr(0, equals), variable.substr(equals + 1));
        }
    }
    return environment;
}

std::filesystem::path own_executable() {
    std::error_code problem;
    return std::filesystem::read_symlink("/proc/self/exe", problem);
}

}  // namespace backup::plugin
