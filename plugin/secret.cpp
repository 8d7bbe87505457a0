// SPDX-License-Identifier: Apache-2.0
#include "plugin/secret.hpp"

#include "core/base/bytes.hpp"
#include "core/base/error.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/base/process.hpp"
#include "core/base/text.hpp"

#include <algorithm>

namespace backup::plugin {

namespace {

using Kind = KeySource::Kind;

constexpr std::uint64_t kLargestSecretBytes = 64U << 10U;

std::string without_line_end(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) {
        text.pop_back();
    }
    return text;
}

std::string run_passphrase_command(const std::string& command) {
    ProcessOptions options;
    options.command = {"/bin/sh", "-c", command};
    options.inherit_stdin = true;
    options.output_limit_bytes = kLargestSecretBytes;
    const auto result = run_process(options);
    if (result.exit_code != 0) {
        throw Error(ErrorCode::KeyMissing,
                    concat("the passphrase command ended with exit code ", result.exit_code))
            .hint("run it by hand to see why");
    }
    return result.output;
}

std::string read_small_file(const std::filesystem::path& path) {
    const auto bytes = read_file(path, kLargestSecretBytes);
    return std::string(as_text(bytes));
}

}  // namespace

std::optional<std::string> find_passphrase(const KeySource& source,
                                           const Environment& environment) {
    std::string text;
    switch (source.kind) {
        case Kind::DefaultFile:
        case Kind::File:
            return std::nullopt;
        case Kind::PassphraseFile:
            text = read_small_file(source.value);
            break;
        case Kind::PassphraseVariable:
            text = find_variable(environment, source.value).value_or("");
            break;
        case Kind::PassphraseCommand:
            text = run_passphrase_command(source.value);
            break;
    }
    text = without_line_end(std::move(text));
    if (text.empty()) {
        throw Error(ErrorCode::InvalidArgument, "the passphrase is empty");
    }
    return text;
}

std::filesystem::path key_file_path(const Settings& settings, const repository::RepositoryId& id) {
    if (settings.key.kind == Kind::File) {
        return settings.key.value;
    }
    return default_key_file(settings.directories, to_hex(id));
}

repository::Secret load_secret(const Settings& settings,
                               const Environment& environment,
                               const repository::RepositoryId& id) {
    repository::Secret secret;
    secret.passphrase = find_passphrase(settings.key, environment);
    if (secret.passphrase) {
        return secret;
    }
    const auto path = key_file_path(settings, id);
    if (!std::filesystem::exists(path)) {
        throw Error(ErrorCode::KeyMissing,
                    concat("the key of this repository is not here: ", path.string()));
    }
    secret.key_file =
        with_context([&path] { return concat("key file ", path.string()); },
                     [&path] { return repository::parse_key_file(read_small_file(path)); });
    if (secret.key_file->repository != id) {
        throw Error(ErrorCode::WrongKey,
                    concat("key file ", path.string(), " belongs to another repository"));
    }
    return secret;
}

}  // namespace backup::plugin
