// SPDX-License-Identifier: Apache-2.0
// kubectl-backup-mount: wiring only.
#include "core/backend/open_backend.hpp"
#include "core/base/error.hpp"
#include "core/base/log.hpp"
#include "core/base/process.hpp"
#include "core/base/text.hpp"
#include "fuse/background.hpp"
#include "fuse/mount_repository.hpp"
#include "fuse/options.hpp"
#include "fuse/plugin_handover.hpp"

#include <iostream>
#include <malloc.h>

namespace backup::fuse {

namespace {

void run(const Options& options, Background& background) {
    Log log([](std::string_view line) { std::cerr << concat(line, "\n"); });
    if (!options.log.empty()) {
        log.configure(options.log);
    }
    const auto backend = backend::open_backend(options.repository);
    mount_repository(*backend, options, log, [&background] { background.report_ready(); });
}

int report(const Error& error, Background& background) {
    std::cerr << "error: " << error.what() << '\n';
    if (!error.hint().empty()) {
        std::cerr << "hint: " << error.hint() << '\n';
    }
    std::cerr.flush();
    background.report_failure(error.exit_code());
    return error.exit_code();
}

int run_program(std::span<const std::string> words) {
    auto background = Background::none();
    try {
        if (is_for_plugin(words)) {
            hand_to_plugin(words);
        }
        const auto options = parse_options(words);
        if (options.shows_help) {
            std::cout << help_text();
            return 0;
        }
        if (!options.in_foreground) {
            background = Background::start();
        }
        run(options, background);
        return 0;
    } catch (const Error& error) {
        return report(error, background);
    } catch (const std::exception& unexpected) {
        return report(Error(ErrorCode::Internal, unexpected.what()), background);
    }
}

}  // namespace

}  // namespace backup::fuse

int main(int argc, char** argv) {
    // Decoded frames come and go: memory must neither be asked of the kernel for each of them, nor
    // be kept once for each thread.
    ::mallopt(M_MMAP_THRESHOLD, 4 << 20);
    ::mallopt(M_TRIM_THRESHOLD, 8 << 20);
    ::mallopt(M_ARENA_MAX, 2);
    backup::forbid_core_files();
    const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
    return backup::fuse::run_program(words);
}
