// SPDX-License-Identifier: Apache-2.0
// Feeds a fuzz target what was found before, and simple variations of it, with any compiler: each
// input whole, cut off, and with bytes changed.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t kMostCuts = 256;
constexpr std::size_t kChanges = 256;

using Input = std::vector<std::uint8_t>;

void run(const Input& input) {
    // A copy of the exact size: reading behind the end is then seen by the sanitizer.
    const Input exact(input.begin(), input.end());
    LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

void run_cut_off(const Input& input) {
    const auto step = std::max<std::size_t>(1, input.size() / kMostCuts);
    for (std::size_t size = 0; size < input.size(); size += step) {
        run(Input(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(size)));
    }
}

void run_changed(const Input& input) {
    // The same changes in every run: what fails here fails again.
    std::uint64_t state = 0x2545f4914f6cdd1dU + input.size();
    const auto next = [&state] {
        state ^= state << 13U;
        state ^= state >> 7U;
        state ^= state << 17U;
        return state;
    };
    for (std::size_t i = 0; i < kChanges && !input.empty(); ++i) {
        auto changed = input;
        for (auto count = 1 + next() % 3; count > 0; --count) {
            changed[next() % changed.size()] = static_cast<std::uint8_t>(next() >> 32U);
        }
        run(changed);
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::filesystem::path> files;
    for (const char* argument : std::vector<const char*>(argv + 1, argv + argc)) {
        for (const auto& entry : std::filesystem::recursive_directory_iterator(argument)) {
            if (entry.is_regular_file()) {
                files.push_back(entry.path());
            }
        }
    }
    std::sort(files.begin(), files.end());
    run({});
    for (const auto& file : files) {
        std::ifstream in(file, std::ios::binary);
        const Input input{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
        run(input);
        run_cut_off(input);
        run_changed(input);
    }
    std::cout << files.size() << " inputs replayed\n";
    return files.empty() ? 1 : 0;
}
