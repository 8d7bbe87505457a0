// SPDX-License-Identifier: Apache-2.0
#include "fuse/options.hpp"

#include "core/base/closest_match.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/base/units.hpp"

#include <charconv>
#include <functional>
#include <map>

namespace backup::fuse {

namespace {

constexpr std::string_view kHelp =
    R"(Usage: kubectl-backup-mount --repo REPOSITORY [options] DIR

Mounts the recovery points of a repository. "kubectl backup mount DIR" finds the repository and its
key and starts this program.

  --repo=URL              the repository
  --key-file=FILE         its key
  --passphrase-file=FILE  or its passphrase
  --secret-fd=N           or either of them through an inherited pipe
  --point=POINT           show only this point; may be repeated
  --namespace=NAME        show only this namespace; may be repeated
  --cache-size=SIZE       memory for decoded data (64MiB)
  --allow-other           let other users in; the kernel then checks permissions
  --foreground            do not go into the background
  --log=LAYER=LEVEL       what to log, in the foreground
)";

using Apply = std::function<void(Options&, const std::string&)>;

int parse_descriptor(const std::string& text) {
    int number = -1;
    const auto end = text.data() + text.size();
    const auto [stopped, problem] = std::from_chars(text.data(), end, number);
    if (problem != std::errc() || stopped != end || number < 0) {
        throw Error(ErrorCode::Usage, concat("--secret-fd cannot be \"", printable(text), '"'));
    }
    return number;
}

const std::map<std::string, Apply, std::less<>>& options_with_value() {
    static const std::map<std::string, Apply, std::less<>> options = {
        {"--repo", [](Options& to, const std::string& text) { to.repository = text; }},
        {"--key-file", [](Options& to, const std::string& text) { to.key_file = text; }},
        {"--passphrase-file",
         [](Options& to, const std::string& text) { to.passphrase_file = text; }},
        {"--secret-fd",
         [](Options& to, const std::string& text) {
             to.secret_descriptor = parse_descriptor(text);
         }},
        {"--point", [](Options& to, const std::string& text) { to.points.push_back(text); }},
        {"--namespace",
         [](Options& to, const std::string& text) { to.namespaces.push_back(text); }},
        {"--cache-size",
         [](Options& to, const std::string& text) { to.cache_bytes = parse_size(text); }},
        {"--log", [](Options& to, const std::string& text) { to.log = text; }},
    };
    return options;
}

const std::map<std::string, bool Options::*, std::less<>>& switches() {
    static const std::map<std::string, bool Options::*, std::less<>> names = {
        {"--allow-other", &Options::allow_other},
        {"--foreground", &Options::in_foreground},
        {"--help", &Options::shows_help},
    };
    return names;
}

[[noreturn]] void refuse_unknown(const std::string& word) {
    std::vector<std::string> known;
    for (const auto& [name, apply] : options_with_value()) {
        known.push_back(name);
    }
    for (const auto& [name, member] : switches()) {
        known.push_back(name);
    }
    throw Error(ErrorCode::Usage, concat("unknown option \"", printable(word), '"'))
        .hint(concat(did_you_mean(word, known), "see kubectl-backup-mount --help"));
}

/// Takes the option at words[at], with its value behind "=" or as the next word; the next position.
std::size_t take_option(Options& options, std::span<const std::string> words, std::size_t at) {
    const auto& word = words[at];
    if (const auto found = switches().find(word); found != switches().end()) {
        options.*(found->second) = true;
        return at + 1;
    }
    const auto equals = word.find('=');
    const auto name = word.substr(0, equals);
    if (switches().contains(name)) {
        throw Error(ErrorCode::Usage, concat(name, " takes no value"));
    }
    const auto found = options_with_value().find(name);
    if (found == options_with_value().end()) {
        refuse_unknown(name);
    }
    if (equals != std::string::npos) {
        found->second(options, word.substr(equals + 1));
        return at + 1;
    }
    if (at + 1 == words.size()) {
        throw Error(ErrorCode::Usage, concat(name, " needs a value"));
    }
    found->second(options, words[at + 1]);
    return at + 2;
}

}  // namespace

Options parse_options(std::span<const std::string> words) {
    Options options;
    std::vector<std::string> directories;
    bool only_directories = false;
    for (std::size_t at = 0; at < words.size();) {
        if (!only_directories && words[at] == "--") {
            only_directories = true;
            ++at;
        } else if (!only_directories && words[at].starts_with("--")) {
            at = take_option(options, words, at);
        } else {
            directories.push_back(words[at++]);
        }
    }
    if (options.shows_help) {
        return options;
    }
    if (directories.size() != 1 || options.repository.empty()) {
        throw Error(ErrorCode::Usage, "a repository and one directory are needed")
            .hint("see kubectl-backup-mount --help");
    }
    const int keys = (options.secret_descriptor ? 1 : 0) + (options.key_file ? 1 : 0) +
                     (options.passphrase_file ? 1 : 0);
    if (keys != 1) {
        throw Error(ErrorCode::Usage,
                    "exactly one of --key-file, --passphrase-file and --secret-fd is needed");
    }
    options.mount_point = directories.front();
    return options;
}

std::string_view help_text() {
    return kHelp;
}

}  // namespace backup::fuse
