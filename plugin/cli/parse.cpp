// SPDX-License-Identifier: Apache-2.0
#include "plugin/cli/parse.hpp"

#include "core/base/closest_match.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "plugin/cli/global_flags.hpp"

#include <cxxopts.hpp>

#include <algorithm>

namespace backup::plugin {

namespace {

constexpr std::string_view kPositionals = "positional-arguments";

const Flag* find_flag(std::span<const Flag> flags, std::string_view name) {
    const auto found = std::ranges::find_if(flags, [name](const Flag& flag) {
        return flag.name == name ||
               (name.size() == 1 && flag.letter != 0 && flag.letter == name.front());
    });
    return found == flags.end() ? nullptr : &*found;
}

bool takes_next_word(const Flag& flag) {
    return flag.kind != FlagKind::Switch && flag.kind != FlagKind::OptionalValue;
}

Error unknown_flag(std::string_view typed, std::span<const Flag> flags) {
    std::vector<std::string> known;
    for (const auto& flag : flags) {
        known.push_back(concat("--", flag.name));
    }
    Error error(ErrorCode::Usage, concat("unknown flag \"", typed, "\""));
    const auto suggestion = did_you_mean(typed, known);
    return suggestion.empty() ? error : std::move(error).hint(suggestion);
}

Error missing_value(const Flag& flag) {
    return {ErrorCode::Usage,
            concat("flag --", flag.name, " needs a value: --", flag.name, " ", flag.placeholder)};
}

void check_choice(const Flag& flag, const std::string& value) {
    if (flag.choices.empty() || (value.empty() && flag.kind == FlagKind::OptionalValue) ||
        std::ranges::count(flag.choices, value) > 0) {
        return;
    }
    Error error(ErrorCode::Usage,
                concat("--",
                       flag.name,
                       " cannot be \"",
                       printable(value),
                       "\": it is one of ",
                       join(flag.choices, ", ")));
    const auto suggestion = did_you_mean(value, flag.choices);
    throw suggestion.empty() ? error : std::move(error).hint(suggestion);
}

void check_switch(const Flag& flag, const std::string& value) {
    static const std::vector<std::string> words = {"true", "false"};
    if (flag.kind == FlagKind::Switch && std::ranges::count(words, value) == 0) {
        throw Error(
            ErrorCode::Usage,
            concat("--", flag.name, " cannot be \"", printable(value), "\": it is true or false"));
    }
}

/// Rewrites each flag to its long form with its value behind "=", the one form that leaves no
/// question open: cxxopts knows neither -n=x, -lapp=x nor --v=4, which kubectl users type.
class Normaliser {
  public:
    Normaliser(std::span<const Flag> flags, std::span<const std::string> words)
        : flags_(flags),
          words_(words) {}

    std::vector<std::string> run() {
        while (at_ < words_.size()) {
            const std::string& word = words_[at_++];
            if (word == "--") {
                out_.insert(out_.end(),
                            words_.begin() + static_cast<std::ptrdiff_t>(at_ - 1),
                            words_.end());
                break;
            }
            if (word.starts_with("--")) {
                long_flag(word);
            } else if (word.size() > 1 && word.front() == '-') {
                letters(word);
            } else {
                out_.push_back(word);
            }
        }
        return std::move(out_);
    }

  private:
    void long_flag(const std::string& word) {
        const auto equals = word.find('=');
        const std::string name = word.substr(2, equals == std::string::npos ? equals : equals - 2);
        const Flag* flag = find_flag(flags_, name);
        if (flag == nullptr) {
            throw unknown_flag("--" + name, flags_);
        }
        if (equals != std::string::npos) {
            emit(*flag, word.substr(equals + 1));
        } else if (takes_next_word(*flag)) {
            emit(*flag, next_word(*flag));
        } else {
            out_.push_back(concat("--", flag->name));
        }
    }

    void letters(const std::string& word) {
        for (std::size_t i = 1; i < word.size(); ++i) {
            const Flag* flag = find_flag(flags_, std::string_view(word).substr(i, 1));
            if (flag == nullptr) {
                throw Error(
                    ErrorCode::Usage,
                    concat(
                        "unknown flag \"-", word[i], "\"", word.size() > 2 ? " in " + word : ""));
            }
            const bool has_value = i + 1 < word.size() && word[i + 1] == '=';
            if (!takes_next_word(*flag) && !has_value) {
                out_.push_back(concat("--", flag->name));
                continue;
            }
            const std::string rest = word.substr(i + (has_value ? 2 : 1));
            emit(*flag, has_value || !rest.empty() ? rest : next_word(*flag));
            return;
        }
    }

    std::string next_word(const Flag& flag) {
        if (at_ >= words_.size()) {
            throw missing_value(flag);
        }
        return words_[at_++];
    }

    void emit(const Flag& flag, const std::string& value) {
        check_switch(flag, value);
        check_choice(flag, value);
        out_.push_back(concat("--", flag.name, "=", value));
    }

    std::span<const Flag> flags_;
    std::span<const std::string> words_;
    std::size_t at_ = 0;
    std::vector<std::string> out_;
};

std::shared_ptr<cxxopts::Value> value_type(const Flag& flag) {
    switch (flag.kind) {
        case FlagKind::Switch:
            return cxxopts::value<bool>();
        case FlagKind::OptionalValue:
            return cxxopts::value<std::string>()->implicit_value("");
        default:
            return cxxopts::value<std::string>();
    }
}

cxxopts::ParseResult run_cxxopts(std::span<const Flag> flags,
                                 const std::vector<std::string>& words) {
    cxxopts::Options options("kubectl-backup");
    auto add = options.add_options();
    for (const auto& flag : flags) {
        add(std::string(flag.name), "", value_type(flag));
    }
    add(std::string(kPositionals), "", cxxopts::value<std::vector<std::string>>());
    options.parse_positional(std::string(kPositionals));

    std::vector<const char*> argv = {"kubectl-backup"};
    for (const auto& word : words) {
        argv.push_back(word.c_str());
    }
    try {
        return options.parse(static_cast<int>(argv.size()), argv.data());
    } catch (const cxxopts::exceptions::exception& problem) {
        throw Error(ErrorCode::Usage, problem.what());
    }
}

void check_argument_count(const Command& command, const std::vector<std::string>& given) {
    std::size_t least = 0;
    bool is_open_ended = false;
    for (const auto& argument : command.arguments) {
        least += argument.is_required ? 1 : 0;
        is_open_ended = is_open_ended || argument.is_repeated;
    }
    const auto usage =
        concat("usage: kubectl backup ", command.name, " ", arguments_usage(command));
    if (given.size() < least) {
        throw Error(ErrorCode::Usage,
                    concat(command.name, " needs ", command.arguments[given.size()].name))
            .hint(usage);
    }
    if (given.size() > command.arguments.size() && !is_open_ended) {
        throw Error(
            ErrorCode::Usage,
            concat("unexpected argument \"", printable(given[command.arguments.size()]), "\""))
            .hint(usage);
    }
}

/// Every flag any verb has: enough to tell a flag's value from the verb.
std::vector<Flag> all_flags(std::span<const Command> commands) {
    std::vector<Flag> flags(global_flags().begin(), global_flags().end());
    for (const auto& command : commands) {
        flags.insert(flags.end(), command.flags.begin(), command.flags.end());
    }
    return flags;
}

/// Places of the words that are neither flags nor values of flags, up to "--".
std::vector<std::size_t> plain_words(std::span<const Flag> flags,
                                     std::span<const std::string> words) {
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
        const std::string& word = words[i];
        if (word.size() < 2 || word.front() != '-') {
            places.push_back(i);
            continue;
        }
        const bool is_long = word.starts_with("--");
        const std::string name = is_long ? word.substr(2) : word.substr(1);
        const Flag* flag = find_flag(flags, name);
        if (flag != nullptr && takes_next_word(*flag)) {
            ++i;
        }
    }
    return places;
}

Error unknown_verb(std::span<const Command> commands,
                   const std::string& word,
                   const std::string& second) {
    auto known = visible_names(commands);
    const auto is_prefix = [&word](const std::string& name) {
        return name.starts_with(word + " ");
    };
    if (const auto first = std::ranges::find_if(known, is_prefix); first != known.end()) {
        return Error(ErrorCode::Usage,
                     second.empty() ? concat(word, " needs a further word")
                                    : concat("unknown verb \"", word, " ", printable(second), "\""))
            .hint(concat("did you mean '", *first, "'?"));
    }
    Error error(ErrorCode::Usage, concat("unknown verb \"", printable(word), "\""));
    const auto suggestion = did_you_mean(word, known);
    return suggestion.empty() ? error : std::move(error).hint(suggestion);
}

}  // namespace

const Flag& ParsedCommand::get_flag(std::string_view name) const {
    const Flag* flag = find_flag(flags_, name);
    if (flag == nullptr) {
        throw Error(ErrorCode::Internal, concat(command_->name, " has no flag --", name));
    }
    return *flag;
}

bool ParsedCommand::is_given(std::string_view flag) const {
    return values_.contains(get_flag(flag).name);
}

bool ParsedCommand::is_on(std::string_view flag) const {
    const auto found = values_.find(get_flag(flag).name);
    return found != values_.end() && found->second.back() != "false";
}

std::string ParsedCommand::text(std::string_view flag) const {
    const auto found = values_.find(get_flag(flag).name);
    return found != values_.end() ? found->second.back() : std::string(get_flag(flag).default_text);
}

std::optional<std::string> ParsedCommand::find_text(std::string_view flag) const {
    const auto found = values_.find(get_flag(flag).name);
    if (found == values_.end() || found->second.back().empty()) {
        return std::nullopt;
    }
    return found->second.back();
}

std::vector<std::string> ParsedCommand::list(std::string_view flag) const {
    const auto found = values_.find(get_flag(flag).name);
    if (found == values_.end()) {
        return {};
    }
    if (get_flag(flag).kind != FlagKind::List) {
        return found->second;
    }
    std::vector<std::string> parts;
    for (const auto& value : found->second) {
        for (const auto& part : split(value, ',')) {
            if (!trim(part).empty()) {
                parts.emplace_back(trim(part));
            }
        }
    }
    return parts;
}

std::string ParsedCommand::argument(std::size_t index, std::string_view fallback) const {
    return index < positionals_.size() ? positionals_[index] : std::string(fallback);
}

VerbMatch find_verb(std::span<const Command> commands, std::span<const std::string> words) {
    VerbMatch match;
    match.words.assign(words.begin(), words.end());
    const auto flags = all_flags(commands);
    const auto places = plain_words(flags, words);
    if (places.empty()) {
        return match;
    }
    const auto first = places[0];
    const std::string second = places.size() > 1 ? words[places[1]] : "";
    const auto erase = [&match](std::size_t place) {
        match.words.erase(match.words.begin() + static_cast<std::ptrdiff_t>(place));
    };
    if (places.size() > 1) {
        match.command = find_command(commands, words[first] + " " + second);
        if (match.command != nullptr) {
            erase(places[1]);
            erase(first);
            return match;
        }
    }
    match.command = find_command(commands, words[first]);
    if (match.command == nullptr) {
        throw unknown_verb(commands, words[first], second);
    }
    erase(first);
    return match;
}

ParsedCommand parse_command_line(std::span<const Command> commands,
                                 std::span<const std::string> words) {
    const auto verb = find_verb(commands, words);
    if (verb.command == nullptr) {
        Normaliser(global_flags(), verb.words).run();
        throw Error(ErrorCode::Usage, "no verb given");
    }
    ParsedCommand parsed;
    parsed.command_ = verb.command;
    parsed.flags_ = flags_of(*verb.command);
    if (verb.command->takes_raw_arguments) {
        parsed.positionals_ = verb.words;
        return parsed;
    }
    const auto result = run_cxxopts(parsed.flags_, Normaliser(parsed.flags_, verb.words).run());
    for (const auto& item : result.arguments()) {
        if (item.key() == kPositionals) {
            parsed.positionals_.push_back(item.value());
            continue;
        }
        parsed.values_[item.key()].push_back(item.value());
    }
    check_argument_count(*verb.command, parsed.positionals_);
    return parsed;
}

bool asks_for_help(std::span<const std::string> words) {
    for (const auto& word : words) {
        if (word == "--") {
            return false;
        }
        if (word == "-h" || word == "--help") {
            return true;
        }
    }
    return false;
}

std::string wanted_output(std::span<const std::string> words) {
    std::string wanted;
    for (std::size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
        const std::string_view word = words[i];
        if ((word == "-o" || word == "--output") && i + 1 < words.size()) {
            wanted = words[i + 1];
        } else if (word.starts_with("--output=")) {
            wanted = word.substr(9);
        } else if (word.starts_with("-o") && word.size() > 2) {
            wanted = word.substr(word[2] == '=' ? 3 : 2);
        }
    }
    return wanted;
}

}  // namespace backup::plugin
