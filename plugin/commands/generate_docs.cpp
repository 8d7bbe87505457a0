// SPDX-License-Identifier: Apache-2.0
#include "core/base/bytes.hpp"
#include "core/base/error.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/base/text.hpp"
#include "plugin/cli/man.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/context.hpp"
#include "plugin/version.hpp"

#include <filesystem>

namespace backup::plugin {

namespace {

constexpr std::string_view kBegin = "<!-- verbs: made by generate-docs -->\n";
constexpr std::string_view kEnd = "<!-- end of verbs -->\n";

void write_text(const std::filesystem::path& path, std::string_view text) {
    std::filesystem::create_directories(path.parent_path());
    write_file_atomically(path, as_bytes(text), 0644);
}

/// The table between the two marks of README.md beside the docs directory, when it has them.
void update_readme(const std::filesystem::path& readme, std::string_view table) {
    if (!std::filesystem::exists(readme)) {
        return;
    }
    const auto bytes = read_file(readme);
    std::string text(as_text(bytes));
    const auto begin = text.find(kBegin);
    const auto end = text.find(kEnd);
    if (begin == std::string::npos || end == std::string::npos || end < begin) {
        return;
    }
    const auto from = begin + kBegin.size();
    text.replace(from, end - from, table);
    write_text(readme, text);
}

int run(Context& context) {
    const std::filesystem::path docs = context.arguments().argument(0);
    for (const auto& [name, text] : generated_docs(context.commands(), kVersion)) {
        write_text(docs / name, text);
    }
    update_readme(std::filesystem::absolute(docs).lexically_normal().parent_path() / "README.md",
                  command_table_markdown(context.commands(), "docs/cli/"));
    return 0;
}

}  // namespace

Command generate_docs_command() {
    Command command;
    command.name = "generate-docs";
    command.group = kOtherGroup;
    command.summary = "Write the man pages and docs/cli from the table of commands";
    command.arguments = {{"DIR", true, false, Completes::Directory}};
    command.is_hidden = true;
    command.run = run;
    return command;
}

}  // namespace backup::plugin
