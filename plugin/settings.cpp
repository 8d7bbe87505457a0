// SPDX-License-Identifier: Apache-2.0
#include "plugin/settings.hpp"

#include "core/base/bytes.hpp"
#include "core/base/closest_match.hpp"
#include "core/base/error.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/base/text.hpp"
#include "core/base/yaml.hpp"
#include "plugin/cli/parse.hpp"

#include <algorithm>
#include <vector>

namespace backup::plugin {

namespace {

constexpr std::string_view kProgram = "kubectl-backup";

std::filesystem::path base_directory(const Environment& environment,
                                     std::string_view variable,
                                     std::string_view below_home) {
    const auto own = find_variable(environment, variable);
    if (own && own->front() == '/') {
        return std::filesystem::path(*own) / kProgram;
    }
    const auto home = find_variable(environment, "HOME");
    if (!home) {
        throw Error(ErrorCode::InvalidArgument, concat("neither $", variable, " nor $HOME is set"))
            .hint(concat("set $HOME, or name every place yourself: --repo and --key-file"));
    }
    return std::filesystem::path(*home) / below_home / kProgram;
}

void check_fields(const Json& document, const std::string& path) {
    static const std::vector<std::string> known = {
        "repository", "keyFile", "passphraseFile", "passphraseCommand"};
    if (!document.is_object() && !document.is_null()) {
        throw Error(ErrorCode::InvalidArgument, concat(path, ": not a mapping"));
    }
    if (document.is_null()) {
        return;
    }
    for (const auto& [name, value] : document.members()) {
        if (std::ranges::count(known, name) == 0) {
            throw Error(ErrorCode::InvalidArgument,
                        concat(path, ": unknown field \"", printable(name), "\""))
                .hint(concat("the fields are ", join(known, ", ")));
        }
        if (!value.is_string()) {
            throw Error(ErrorCode::InvalidArgument, concat(path, ": ", name, " is not a string"));
        }
    }
}

std::optional<std::string> field(const Json& document, std::string_view name) {
    const Json* value = document.find(name);
    if (value == nullptr || value->string().empty()) {
        return std::nullopt;
    }
    return value->string();
}

RepositoryLocation decide_repository(const ParsedCommand& arguments,
                                     const Environment& environment,
                                     const ConfigFile& config,
                                     const Directories& directories) {
    if (const auto flag = arguments.find_text("repo")) {
        return {*flag, Origin::Flag};
    }
    if (const auto variable = find_variable(environment, "KUBECTL_BACKUP_REPO")) {
        return {*variable, Origin::Variable};
    }
    if (config.repository) {
        return {*config.repository, Origin::ConfigFile};
    }
    return {(directories.data / "repository").string(), Origin::Default};
}

KeySource decide_key(const ParsedCommand& arguments,
                     const Environment& environment,
                     const ConfigFile& config) {
    using Kind = KeySource::Kind;
    std::vector<KeySource> flags;
    const auto add = [&](std::string_view name, Kind kind) {
        if (const auto value = arguments.find_text(name)) {
            flags.push_back({kind, *value});
        }
    };
    add("key-file", Kind::File);
    add("passphrase-file", Kind::PassphraseFile);
    add("passphrase-command", Kind::PassphraseCommand);
    if (flags.size() > 1) {
        throw Error(ErrorCode::Usage,
                    "give one of --key-file, --passphrase-file and --passphrase-command");
    }
    if (!flags.empty()) {
        return flags.front();
    }
    if (find_variable(environment, "KUBECTL_BACKUP_PASSPHRASE")) {
        return {Kind::PassphraseVariable, "KUBECTL_BACKUP_PASSPHRASE"};
    }
    if (config.key_file) {
        return {Kind::File, *config.key_file};
    }
    if (config.passphrase_file) {
        return {Kind::PassphraseFile, *config.passphrase_file};
    }
    if (config.passphrase_command) {
        return {Kind::PassphraseCommand, *config.passphrase_command};
    }
    return {};
}

}  // namespace

std::optional<std::string> find_variable(const Environment& environment, std::string_view name) {
    const auto found = environment.find(name);
    if (found == environment.end() || found->second.empty()) {
        return std::nullopt;
    }
    return found->second;
}

Directories find_directories(const Environment& environment) {
    return {base_directory(environment, "XDG_CONFIG_HOME", ".config"),
            base_directory(environment, "XDG_DATA_HOME", ".local/share"),
            base_directory(environment, "XDG_CACHE_HOME", ".cache")};
}

ConfigFile read_config_file(const std::filesystem::path& path) {
    std::error_code problem;
    if (!std::filesystem::exists(path, problem)) {
        return {};
    }
    constexpr std::uint64_t kLargest = 1U << 20U;
    const auto name = path.string();
    const Json document =
        with_context([&name] { return name; },
                     [&path] { return parse_yaml(as_text(read_file(path, kLargest))); });
    check_fields(document, name);
    return {field(document, "repository"),
            field(document, "keyFile"),
            field(document, "passphraseFile"),
            field(document, "passphraseCommand")};
}

Settings decide_settings(const ParsedCommand& arguments, const Environment& environment) {
    Settings settings;
    settings.directories = find_directories(environment);
    const auto config = read_config_file(settings.directories.config / "config.yaml");
    settings.repository = decide_repository(arguments, environment, config, settings.directories);
    settings.key = decide_key(arguments, environment, config);
    return settings;
}

std::filesystem::path default_key_file(const Directories& directories,
                                       std::string_view repository_id) {
    return directories.config / "keys" / concat(repository_id, ".key");
}

}  // namespace backup::plugin
