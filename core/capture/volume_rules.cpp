// SPDX-License-Identifier: Apache-2.0
#include "core/capture/volume_rules.hpp"

#include "core/base/json.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace backup::capture {

namespace {

using model::SkipReason;

constexpr std::string_view kOurs = "kubectl-backup/";
constexpr std::string_view kVelero = "backup.velero.io/";

struct ActionName {
    VolumeAction action;
    std::string_view text;
};

constexpr std::array<ActionName, 5> kActionNames = {{{VolumeAction::Auto, "auto"},
                                                     {VolumeAction::Skip, "skip"},
                                                     {VolumeAction::Live, "live"},
                                                     {VolumeAction::Snapshot, "snapshot"},
                                                     {VolumeAction::Clone, "clone"}}};

/// The pod annotations that name volumes, by the tool they are of.
struct PodMark {
    std::string_view key;
    bool is_wanted;
};

constexpr std::array<PodMark, 4> kPodMarks = {
    {{"kubectl-backup/volumes", true},
     {"kubectl-backup/exclude-volumes", false},
     {"backup.velero.io/backup-volumes", true},
     {"backup.velero.io/backup-volumes-excludes", false}}};

/// The claim's own annotations, with the value that counts.
struct ClaimMark {
    std::string_view key;
    std::string_view value;
    bool is_wanted;
};

constexpr std::string_view kDataMark = "kubectl-backup/data";
constexpr std::string_view kSkipWord = "skip";

constexpr std::array<ClaimMark, 6> kClaimMarks = {{{kDataMark, kSkipWord, false},
                                                   {"kubectl-backup/include", "true", true},
                                                   {"k8up.io/backup", "false", false},
                                                   {"k8up.io/backup", "true", true},
                                                   {"k8up.syn.tools/backup", "false", false},
                                                   {"k8up.syn.tools/backup", "true", true}}};

bool is_same_word(std::string_view left, std::string_view right) {
    return to_lower(left) == to_lower(right);
}

bool has_word(const std::vector<std::string>& words, std::string_view word) {
    return std::any_of(words.begin(), words.end(), [word](const std::string& one) {
        return is_same_word(one, word);
    });
}

/// No pattern: nothing was asked.
bool fits(const std::vector<std::string>& patterns, std::string_view name) {
    return patterns.empty() ||
           std::any_of(patterns.begin(), patterns.end(), [name](const std::string& pattern) {
               return !name.empty() && matches_glob(pattern, name);
           });
}

bool fits_size(const VolumeMatch& match, const VolumeFacts& volume) {
    return !match.size ||
           (volume.bytes && *volume.bytes >= match.size->from && *volume.bytes <= match.size->to);
}

bool fits_access_modes(const VolumeMatch& match, const VolumeFacts& volume) {
    const auto& asked = match.access_modes;
    const auto& present = volume.access_modes;
    if (asked.empty()) {
        return true;
    }
    const auto is_asked = [&asked](const std::string& mode) { return has_word(asked, mode); };
    if (!match.only_these_access_modes) {
        return std::any_of(present.begin(), present.end(), is_asked);
    }
    return asked.size() == present.size() && std::all_of(present.begin(), present.end(), is_asked);
}

bool fits_words(const std::vector<std::string>& asked, std::string_view word) {
    return asked.empty() || has_word(asked, word);
}

bool fits_nfs(const VolumeMatch& match, const VolumeFacts& volume) {
    return (match.nfs_server.empty() || match.nfs_server == volume.nfs_server) &&
           (match.nfs_path.empty() || match.nfs_path == volume.nfs_path);
}

bool fits_attributes(const VolumeMatch& match, const VolumeFacts& volume) {
    return std::all_of(
        match.attributes.begin(), match.attributes.end(), [&volume](const auto& asked) {
            const auto found = volume.attributes.find(asked.first);
            return found != volume.attributes.end() && found->second == asked.second;
        });
}

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    for (const auto& line : split(text, '\n')) {
        for (const auto& part : split(line, ',')) {
            if (const auto word = trim(part); !word.empty()) {
                words.emplace_back(word);
            }
        }
    }
    return words;
}

std::string_view annotation(const model::Labels& annotations, std::string_view key) {
    const auto found = annotations.find(key);
    return found == annotations.end() ? std::string_view() : std::string_view(found->second);
}

/// What one mark says.
struct Opinion {
    std::string_view key;
    bool is_wanted = false;
};

/// Smaller counts more.
int rank_of(std::string_view key) {
    return key.starts_with(kOurs) ? 0 : key.starts_with(kVelero) ? 1 : 2;
}

std::vector<Opinion> opinions_on(const VolumeFacts& volume) {
    std::vector<Opinion> opinions;
    for (const auto& mark : kClaimMarks) {
        const auto value = annotation(volume.annotations, mark.key);
        if (!value.empty() && is_same_word(trim(value), mark.value)) {
            opinions.push_back({mark.key, mark.is_wanted});
        }
    }
    for (const auto& key : volume.named_by) {
        opinions.push_back({key, true});
    }
    for (const auto& key : volume.excluded_by) {
        opinions.push_back({key, false});
    }
    std::stable_sort(opinions.begin(), opinions.end(), [](const auto& left, const auto& right) {
        return std::pair(rank_of(left.key), left.is_wanted) <
               std::pair(rank_of(right.key), right.is_wanted);
    });
    return opinions;
}

std::string name_of(const VolumeFacts& volume) {
    return volume.ns + "/" + volume.claim;
}

/// A word that was mistyped must not be taken for none.
void check_data_mark(const VolumeFacts& volume, VolumeChoice& choice) {
    const auto value = trim(annotation(volume.annotations, kDataMark));
    if (!value.empty() && !is_same_word(value, kSkipWord)) {
        choice.warnings.push_back(concat("volume ",
                                         name_of(volume),
                                         ": annotation ",
                                         kDataMark,
                                         " is \"",
                                         printable(value),
                                         "\", which means nothing: only \"",
                                         kSkipWord,
                                         "\" does"));
    }
}

/// A pod has emptyDirs by the dozen: a rule for all volumes of a size or namespace asks for claims.
/// So does one for copies of CSI volumes, for a pod's own cannot be copied.
bool means(const VolumeRule& rule, const VolumeFacts& volume) {
    if (!volume.claim.empty() || rule.action == VolumeAction::Auto ||
        rule.action == VolumeAction::Skip) {
        return true;
    }
    const auto& match = rule.match;
    const bool says_what = !match.types.empty() || !match.drivers.empty() ||
                           !match.nfs_server.empty() || !match.nfs_path.empty();
    return says_what && (rule.action == VolumeAction::Live || volume.driver.empty());
}

void apply_marks(const VolumeFacts& volume, VolumeChoice& choice) {
    const auto opinions = opinions_on(volume);
    if (opinions.empty()) {
        if (volume.claim.empty()) {
            choice.action = VolumeAction::Skip;
            choice.reason = SkipReason::OnlyWhenNamed;
        }
        return;
    }
    const auto& first = opinions.front();
    choice.rule = concat("annotation ", first.key);
    if (!first.is_wanted) {
        choice.action = VolumeAction::Skip;
        choice.reason = SkipReason::ExcludedByMark;
    }
    const auto other = std::find_if(opinions.begin(), opinions.end(), [&first](const auto& one) {
        return one.is_wanted != first.is_wanted;
    });
    if (other != opinions.end()) {
        choice.warnings.push_back(concat("volume ",
                                         name_of(volume),
                                         ": annotations ",
                                         first.key,
                                         " and ",
                                         other->key,
                                         " contradict each other; its data is ",
                                         first.is_wanted ? "stored" : "left out"));
    }
}

/// k8up mounts each claim at /data/CLAIM: a whole path begins with that. A name alone means it at
/// any depth, with restic as here.
void add_restic_pattern(std::string_view pattern,
                        const VolumeFacts& volume,
                        std::vector<std::string>& patterns) {
    const auto mount_point = concat("/data/", volume.claim, "/");
    if (pattern.starts_with(mount_point)) {
        patterns.emplace_back(pattern.substr(mount_point.size()));
    } else if (!pattern.empty() && pattern.find('/') == pattern.npos) {
        patterns.emplace_back(pattern);
    }
}

/// Of restic's arguments only those that leave paths out; a JSON array or words.
std::vector<std::string> restic_excludes(const VolumeFacts& volume) {
    std::vector<std::string> words;
    const auto text = annotation(volume.annotations, "k8up.io/backup-restic-args");
    if (const auto json = find_json(text); json && json->is_array()) {
        for (const auto& item : json->items()) {
            words.push_back(item.is_string() ? item.string() : "");
        }
    } else {
        words = split(text, ' ');
    }
    std::vector<std::string> patterns;
    constexpr std::string_view kWithValue = "--exclude=";
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (words[i].starts_with(kWithValue)) {
            add_restic_pattern(words[i].substr(kWithValue.size()), volume, patterns);
        } else if ((words[i] == "--exclude" || words[i] == "-e") && i + 1 < words.size()) {
            add_restic_pattern(words[i + 1], volume, patterns);
        }
    }
    return patterns;
}

void add_paths(const VolumeFacts& volume, VolumeChoice& choice) {
    if (choice.include.empty()) {
        choice.include = words_of(annotation(volume.annotations, "kubectl-backup/paths"));
    }
    auto more = words_of(annotation(volume.annotations, "kubectl-backup/exclude-paths"));
    for (auto& pattern : restic_excludes(volume)) {
        more.push_back(std::move(pattern));
    }
    for (auto& pattern : more) {
        auto& all = choice.exclude;
        if (std::find(all.begin(), all.end(), pattern) == all.end()) {
            all.push_back(std::move(pattern));
        }
    }
}

}  // namespace

std::string_view to_text(VolumeAction action) {
    const auto* const found =
        std::find_if(kActionNames.begin(), kActionNames.end(), [action](const auto& name) {
            return name.action == action;
        });
    return found == kActionNames.end() ? std::string_view() : found->text;
}

std::optional<VolumeAction> find_volume_action(std::string_view text) {
    const auto* const found = std::find_if(kActionNames.begin(),
                                           kActionNames.end(),
                                           [text](const auto& name) { return name.text == text; });
    return found == kActionNames.end() ? std::nullopt : std::optional(found->action);
}

bool matches(const VolumeMatch& match, const VolumeFacts& volume) {
    return fits_size(match, volume) && fits(match.storage_classes, volume.storage_class) &&
           fits(match.drivers, volume.driver) &&
           (!match.selector || model::matches(*match.selector, volume.labels)) &&
           fits(match.namespaces, volume.ns) && fits(match.claims, volume.claim) &&
           fits_access_modes(match, volume) &&
           (!match.is_block || *match.is_block == volume.is_block) &&
           fits_words(match.types, volume.type) && fits_words(match.phases, volume.phase) &&
           fits_nfs(match, volume) && fits_attributes(match, volume);
}

void note_pod_marks(const model::Labels& pod_annotations,
                    std::string_view volume_name,
                    VolumeFacts& volume) {
    for (const auto& mark : kPodMarks) {
        const auto names = words_of(annotation(pod_annotations, mark.key));
        if (std::find(names.begin(), names.end(), volume_name) != names.end()) {
            auto& marks = mark.is_wanted ? volume.named_by : volume.excluded_by;
            if (std::find(marks.begin(), marks.end(), mark.key) == marks.end()) {
                marks.emplace_back(mark.key);
            }
        }
    }
}

std::vector<PodMarkName> list_pod_marks(const model::Labels& pod_annotations) {
    std::vector<PodMarkName> named;
    for (const auto& mark : kPodMarks) {
        for (auto& name : words_of(annotation(pod_annotations, mark.key))) {
            named.push_back({mark.key, std::move(name)});
        }
    }
    return named;
}

VolumeChoice choose_volume(const VolumeFacts& volume, const std::vector<VolumeRule>& rules) {
    VolumeChoice choice;
    const auto rule = std::find_if(rules.begin(), rules.end(), [&volume](const VolumeRule& one) {
        return matches(one.match, volume) && means(one, volume);
    });
    if (rule != rules.end()) {
        choice.action = rule->action;
        choice.include = rule->include;
        choice.exclude = rule->exclude;
        choice.snapshot_class = rule->snapshot_class;
        choice.rule = rule->name;
    }
    if (choice.action == VolumeAction::Auto) {
        apply_marks(volume, choice);
    } else if (choice.action == VolumeAction::Skip) {
        choice.reason = SkipReason::ExcludedByPolicy;
    }
    check_data_mark(volume, choice);
    add_paths(volume, choice);
    return choice;
}

}  // namespace backup::capture
