// SPDX-License-Identifier: Apache-2.0
// Reference pages made from the Command table: roff for man(1), Markdown for docs/cli.
#pragma once

#include "plugin/cli/command.hpp"

#include <map>
#include <span>
#include <string>
#include <string_view>

namespace backup::plugin {

/// kubectl-backup(1): the program, its verbs, the flags every verb takes.
std::string program_man_page(std::span<const Command> commands, std::string_view version);

/// kubectl-backup-VERB(1).
std::string command_man_page(const Command& command, std::string_view version);

/// docs/cli/VERB.md.
std::string command_markdown(const Command& command);

/// docs/cli/README.md: the table of verbs and the flags every verb takes.
std::string program_markdown(std::span<const Command> commands);

/// The table of verbs alone; `link_prefix` leads from the reader's place to docs/cli/.
std::string command_table_markdown(std::span<const Command> commands, std::string_view link_prefix);

/// "import directory" -> "import-directory": the stem of the files of a verb.
std::string file_stem(const Command& command);

/// All generated files: path below the docs directory -> text.
std::map<std::string, std::string> generated_docs(std::span<const Command> commands,
                                                  std::string_view version);

}  // namespace backup::plugin
