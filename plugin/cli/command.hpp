// SPDX-License-Identifier: Apache-2.0
// What a verb is: one value that names its flags, texts and function. Help, man pages, completion,
// docs/cli and the parser are all made from it, so none of them can disagree.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace backup::plugin {

class Context;

enum class FlagKind {
    Switch,         // --foo, --foo=false
    Text,           // --foo VALUE; the last one wins
    Repeated,       // --foo VALUE ...; commas belong to the value
    List,           // --foo A,B --foo C
    OptionalValue,  // --foo or --foo=VALUE, never "--foo VALUE"
};

/// What a shell offers for a value.
enum class Completes { Nothing, File, Directory, Point, PointPath, Verb };

struct Flag {
    std::string_view name;  // long name without dashes, at least two letters
    char letter = 0;        // 0: no short form
    FlagKind kind = FlagKind::Switch;
    std::string_view placeholder;   // "NAMESPACE"; empty for a switch
    std::string_view default_text;  // used when the flag is not given, and shown; may be empty
    std::string_view summary;       // one sentence without a period
    std::string_view group;         // heading in the help; empty: the verb's own flags
    std::vector<std::string> choices = {};  // anything else is refused; empty: any text
    Completes completes = Completes::Nothing;
};

struct Argument {
    std::string_view name;  // "POINT"
    bool is_required = true;
    bool is_repeated = false;
    Completes completes = Completes::Nothing;
    std::vector<std::string> choices = {};  // offered by the shell; not checked
};

struct Example {
    std::string_view comment;
    std::string_view line;  // begins with "kubectl backup"
};

struct Command {
    std::string_view name;  // one or two words: "create", "import directory"
    std::vector<std::string_view> aliases = {};
    std::string_view group;    // heading in the list of verbs
    std::string_view summary;  // one line, no period
    std::string_view manual;   // paragraphs separated by empty lines; "kubectl backup" is replaced
                               // by the name the program was started by
    std::vector<Argument> arguments = {};
    std::vector<Flag> flags = {};
    std::vector<Example> examples = {};
    std::string_view exit_codes = {};  // what 3 or 4 mean here; empty: only the common ones
    bool is_hidden = false;
    bool takes_raw_arguments = false;  // the words after the verb reach run() unparsed
    int (*run)(Context&) = nullptr;    // the exit code; throws Error
};

/// "[NAME] [flags]": what follows the verb in a usage line.
std::string arguments_usage(const Command& command);

/// By name or alias; nullptr when there is none.
const Command* find_command(std::span<const Command> commands, std::string_view name);

/// The verb's own flags, then the global ones it does not redefine.
std::vector<Flag> flags_of(const Command& command);

/// Names (and aliases) a person may type, for "did you mean".
std::vector<std::string> visible_names(std::span<const Command> commands);

}  // namespace backup::plugin
