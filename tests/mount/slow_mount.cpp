// SPDX-License-Identifier: Apache-2.0
// The daemon over storage that is as slow as a test wants, at each call:
//   slow_mount DELAY_FILE REPOSITORY KEY_FILE DIRECTORY [OPTION...]
// DELAY_FILE holds milliseconds and is read again and again, so that a call that waits can be let
// go. Stays in the foreground.
#include "core/backend/forwarding_backend.hpp"
#include "core/backend/open_backend.hpp"
#include "core/base/clock.hpp"
#include "core/base/error.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/base/log.hpp"
#include "core/base/retry.hpp"
#include "core/base/text.hpp"
#include "fuse/mount_repository.hpp"

#include <chrono>
#include <iostream>

namespace backup::testing {
namespace {

class SlowBackend : public backend::ForwardingBackend {
  public:
    SlowBackend(backend::Backend& backend, std::filesystem::path delay_file)
        : ForwardingBackend(backend),
          delay_file_(std::move(delay_file)) {}

  protected:
    void pass(backend::StorageCall /*call*/,
              std::string_view /*blob*/,
              const std::function<void()>& effect) override {
        wait();
        effect();
    }

  private:
    std::chrono::milliseconds delay() const {
        const auto bytes = read_file(delay_file_);
        return std::chrono::milliseconds(std::stoul("0" + std::string(as_text(bytes))));
    }

    void wait() const {
        SystemClock clock;
        const auto begin = clock.steady_now();
        while (clock.steady_now() - begin < delay()) {
            sleep_for(std::chrono::milliseconds(10), {});
        }
    }

    std::filesystem::path delay_file_;
};

}  // namespace
}  // namespace backup::testing

int main(int argc, char** argv) {
    using namespace backup;
    if (argc < 5) {
        std::cerr << "usage: slow_mount DELAY_FILE REPOSITORY KEY_FILE DIRECTORY [OPTION...]\n";
        return 2;
    }
    std::vector<std::string> words = {concat("--repo=", argv[2]), concat("--key-file=", argv[3])};
    words.insert(words.end(), argv + 5, argv + argc);
    words.emplace_back("--");
    words.emplace_back(argv[4]);
    try {
        const auto storage = backend::open_backend(argv[2]);
        testing::SlowBackend slow(*storage, argv[1]);
        Log log([](std::string_view line) { std::cerr << concat(line, "\n"); });
        fuse::mount_repository(slow, fuse::parse_options(words), log, [] {});
        return 0;
    } catch (const Error& error) {
        std::cerr << "error: " << error.what() << '\n';
        return error.exit_code();
    }
}
