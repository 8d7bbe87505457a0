// SPDX-License-Identifier: Apache-2.0
#include "core/kube/exec_status.hpp"

#include "core/base/json.hpp"
#include "core/base/text.hpp"

#include <charconv>

namespace backup::kube {

namespace {

constexpr std::size_t kLongestMessage = 2000;

}  // namespace

ExecStatus read_exec_status(std::string_view text) {
    ExecStatus status;
    status.message = printable(text.substr(0, kLongestMessage));
    const auto json = find_json(text);
    if (!json) {
        return status;
    }
    status.message = printable(json->text_at({"message"}).substr(0, kLongestMessage));
    if (json->text_at({"status"}) == "Success") {
        status.has_exit_code = true;
        return status;
    }
    const auto* causes = json->find_path({"details", "causes"});
    if (json->text_at({"reason"}) != "NonZeroExitCode" || causes == nullptr ||
        !causes->is_array()) {
        return status;
    }
    for (const auto& cause : causes->items()) {
        const auto code = cause.text_at({"message"});
        const auto parsed =
            std::from_chars(code.data(), code.data() + code.size(), status.exit_code);
        if (cause.text_at({"reason"}) == "ExitCode" && parsed.ec == std::errc{} &&
            parsed.ptr == code.data() + code.size()) {
            status.has_exit_code = true;
        }
    }
    return status;
}

}  // namespace backup::kube
