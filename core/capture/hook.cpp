// SPDX-License-Identifier: Apache-2.0
#include "core/capture/hook.hpp"

#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/capture/hook_parts.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace backup::capture {

namespace {

using model::Labels;

constexpr std::string_view kOwnPre = "kubectl-backup/pre-hook";
constexpr std::string_view kOwnPost = "kubectl-backup/post-hook";
constexpr std::string_view kVeleroPre = "pre.hook.backup.velero.io/";
constexpr std::string_view kVeleroPost = "post.hook.backup.velero.io/";
// The pre hook's name in Velero before 0.7.
constexpr std::string_view kVeleroOld = "hook.backup.velero.io/";
constexpr std::array<std::string_view, 2> kK8up = {"k8up.io/", "k8up.syn.tools/"};

std::string_view value_of(const Labels& annotations, std::string_view key) {
    const auto found = annotations.find(key);
    return found == annotations.end() ? std::string_view() : std::string_view(found->second);
}

std::string_view value_of(const Labels& annotations,
                          std::string_view prefix,
                          std::string_view name) {
    return value_of(annotations, concat(prefix, name));
}

HookSpec unreadable(std::string origin, std::string problem) {
    HookSpec spec;
    spec.origin = std::move(origin);
    spec.problem = std::move(problem);
    return spec;
}

std::vector<HookSpec> read_own(const Labels& annotations, std::string_view key) {
    const auto found = annotations.find(key);
    if (found == annotations.end()) {
        return {};
    }
    const auto origin = concat("annotation ", key);
    std::vector<HookSpec> specs;
    const auto failure = failure_of([&] {
        specs = parse_hook_specs(parse_json(found->second), {});
        for (auto& spec : specs) {
            spec.origin = origin;
        }
    });
    if (failure) {
        return {unreadable(origin, concat("the annotation cannot be read: ", failure->what()))};
    }
    return specs;
}

class VeleroReader {
  public:
    VeleroReader(const Labels& annotations, std::string_view prefix, PodHooks& found)
        : annotations_(annotations),
          prefix_(prefix),
          found_(found) {}

    std::vector<HookSpec> read() {
        const auto command = value_of(annotations_, prefix_, "command");
        if (command.empty()) {
            return {};
        }
        HookSpec spec;
        spec.origin = concat("annotation ", prefix_, "command");
        spec.container = value_of(annotations_, prefix_, "container");
        spec.command = read_command(command);
        read_on_error(spec);
        read_timeout(spec);
        return {std::move(spec)};
    }

  private:
    /// A JSON list, or one word: https://velero.io/docs/v1.17/backup-hooks/
    static std::vector<std::string> read_command(std::string_view text) {
        if (text.front() != '[') {
            return {std::string(text)};
        }
        const auto json = find_json(text);
        std::vector<std::string> words;
        if (json && json->is_array()) {
            for (const auto& word : json->items()) {
                if (!word.is_string()) {
                    return {std::string(text)};
                }
                words.push_back(word.string());
            }
        }
        return words.empty() ? std::vector<std::string>{std::string(text)} : words;
    }

    void read_on_error(HookSpec& spec) {
        const auto text = value_of(annotations_, prefix_, "on-error");
        const auto word = to_lower(text);
        spec.may_fail = word == "continue";
        if (!word.empty() && word != "continue" && word != "fail") {
            warn("on-error", text, "Fail");
        }
    }

    void read_timeout(HookSpec& spec) {
        const auto text = value_of(annotations_, prefix_, "timeout");
        if (!text.empty() && failure_of([&] { spec.timeout = parse_hook_timeout(text); })) {
            warn("timeout", text, "30s");
        }
    }

    void warn(std::string_view name, std::string_view text, std::string_view instead) {
        found_.warnings.push_back(concat("annotation ",
                                         prefix_,
                                         name,
                                         ": '",
                                         printable(text),
                                         "' is not understood, ",
                                         instead,
                                         " is taken"));
    }

    const Labels& annotations_;
    std::string_view prefix_;
    PodHooks& found_;
};

HookSet read_velero(const Labels& annotations, PodHooks& found) {
    HookSet hooks;
    hooks.pre = VeleroReader(annotations, kVeleroPre, found).read();
    if (hooks.pre.empty()) {
        hooks.pre = VeleroReader(annotations, kVeleroOld, found).read();
    }
    hooks.post = VeleroReader(annotations, kVeleroPost, found).read();
    return hooks;
}

std::optional<OutputSpec> read_k8up(const Labels& annotations) {
    for (const auto prefix : kK8up) {
        const auto command = value_of(annotations, prefix, "backupcommand");
        if (command.empty() || value_of(annotations, prefix, "backup") == "false") {
            continue;
        }
        OutputSpec output;
        output.hook.origin = concat("annotation ", prefix, "backupcommand");
        output.hook.container = value_of(annotations, prefix, "backupcommand-container");
        output.hook.timeout = kOutputTimeout;
        output.extension = value_of(annotations, prefix, "file-extension");
        if (!output.extension.empty() && output.extension.front() != '.') {
            output.extension.insert(0, 1, '.');
        }
        const auto failure = failure_of([&] { output.hook.command = split_words(command); });
        if (failure) {
            output.hook.problem = concat("the annotation cannot be read: ", failure->what());
        } else if (output.hook.command.empty()) {
            output.hook.problem = "the annotation holds no command";
        }
        return output;
    }
    return std::nullopt;
}

class WordSplitter {
  public:
    explicit WordSplitter(std::string_view text) : text_(text) {}

    std::vector<std::string> split() {
        while (at_ < text_.size()) {
            const char c = text_[at_++];
            if (c == ' ' || c == '\t' || c == '\n') {
                end_word();
            } else if (c == '\'') {
                take_quoted();
            } else if (c == '"') {
                take_double_quoted();
            } else if (c == '\\' && at_ < text_.size()) {
                take(text_[at_++]);
            } else {
                take(c);
            }
        }
        end_word();
        return std::move(words_);
    }

  private:
    void take(char c) {
        word_ += c;
        is_open_ = true;
    }

    void end_word() {
        if (std::exchange(is_open_, false)) {
            words_.push_back(std::exchange(word_, {}));
        }
    }

    void take_quoted() {
        const auto end = text_.find('\'', at_);
        if (end == std::string_view::npos) {
            throw Error(ErrorCode::InvalidArgument, "a quote (') is not closed");
        }
        word_ += text_.substr(at_, end - at_);
        is_open_ = true;
        at_ = end + 1;
    }

    void take_double_quoted() {
        constexpr std::string_view escapable = "\"\\$`";
        is_open_ = true;
        while (at_ < text_.size() && text_[at_] != '"') {
            const bool is_escape = text_[at_] == '\\' && at_ + 1 < text_.size() &&
                                   escapable.find(text_[at_ + 1]) != std::string_view::npos;
            at_ += is_escape ? 1U : 0U;
            word_ += text_[at_++];
        }
        if (at_ == text_.size()) {
            throw Error(ErrorCode::InvalidArgument, "a quote (\") is not closed");
        }
        ++at_;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::string word_;
    bool is_open_ = false;
    std::vector<std::string> words_;
};

}  // namespace

PodHooks find_pod_hooks(const HookSubject& pod, const std::vector<HookRule>& rules) {
    PodHooks found;
    const auto& annotations = pod.annotations;
    found.output = read_k8up(annotations);
    HookSet own{read_own(annotations, kOwnPre), read_own(annotations, kOwnPost)};
    PodHooks velero;
    velero.hooks = read_velero(annotations, velero);
    if (!own.is_empty()) {
        if (!velero.hooks.is_empty()) {
            found.warnings.emplace_back(
                "it has hooks for kubectl-backup and for Velero; those for kubectl-backup are run");
        }
        found.hooks = std::move(own);
        return found;
    }
    if (!velero.hooks.is_empty()) {
        found.hooks = std::move(velero.hooks);
        found.warnings = std::move(velero.warnings);
        return found;
    }
    const auto rule = std::find_if(
        rules.begin(), rules.end(), [&](const HookRule& r) { return matches(r.match, pod); });
    if (rule != rules.end()) {
        found.hooks = rule->hooks;
    }
    return found;
}

bool has_hook_marks(const model::Labels& annotations) {
    if (annotations.contains(kOwnPre) || annotations.contains(kOwnPost)) {
        return true;
    }
    for (const auto prefix : {kVeleroPre, kVeleroPost, kVeleroOld}) {
        if (annotations.contains(concat(prefix, "command"))) {
            return true;
        }
    }
    return std::any_of(kK8up.begin(), kK8up.end(), [&](std::string_view prefix) {
        return annotations.contains(concat(prefix, "backupcommand"));
    });
}

bool matches(const HookMatch& match, const HookSubject& pod) {
    const auto& namespaces = match.namespaces;
    const auto& kinds = match.kinds;
    const auto is_kind = [&pod](const std::string& wanted) {
        return std::any_of(pod.kinds.begin(), pod.kinds.end(), [&](const std::string& kind) {
            return to_lower(kind) == to_lower(wanted);
        });
    };
    return (namespaces.empty() ||
            std::any_of(namespaces.begin(),
                        namespaces.end(),
                        [&](const std::string& glob) { return matches_glob(glob, pod.ns); })) &&
           (!match.selector || model::matches(*match.selector, pod.labels)) &&
           (kinds.empty() || std::any_of(kinds.begin(), kinds.end(), is_kind));
}

std::vector<std::string> split_words(std::string_view text) {
    return WordSplitter(text).split();
}

}  // namespace backup::capture
