// SPDX-License-Identifier: Apache-2.0
#include "core/base/closest_match.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <vector>

namespace backup {

namespace {

// Longer words are no typing errors, and the distance costs the product of the lengths.
constexpr std::size_t kLongestWord = 128;

std::size_t edit_distance(std::string_view left, std::string_view right) {
    std::vector<std::size_t> before_last(right.size() + 1);
    std::vector<std::size_t> last(right.size() + 1);
    std::vector<std::size_t> row(right.size() + 1);
    for (std::size_t j = 0; j <= right.size(); ++j) {
        row[j] = j;
    }
    for (std::size_t i = 1; i <= left.size(); ++i) {
        std::swap(before_last, last);
        std::swap(last, row);
        row[0] = i;
        for (std::size_t j = 1; j <= right.size(); ++j) {
            const std::size_t cost = left[i - 1] == right[j - 1] ? 0 : 1;
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + cost});
            const bool swapped =
                i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
            if (swapped) {
                row[j] = std::min(row[j], before_last[j - 2] + 1);
            }
        }
    }
    return row[right.size()];
}

std::size_t tolerance(std::size_t length) {
    return length < 3 ? 0 : std::max<std::size_t>(1, length / 3);
}

}  // namespace

std::optional<std::string> closest_match(std::string_view word,
                                         std::span<const std::string> known) {
    if (word.size() > kLongestWord) {
        return std::nullopt;
    }
    const auto wanted = to_lower(word);
    std::optional<std::string> best;
    std::size_t best_distance = 0;
    for (const auto& candidate : known) {
        if (candidate.size() > kLongestWord) {
            continue;
        }
        const auto offered = to_lower(candidate);
        // A word that was not typed to its end is near whatever is missing.
        const bool begun = wanted.size() >= 3 && offered.starts_with(wanted);
        const auto distance = begun ? 1 : edit_distance(wanted, offered);
        const bool near = distance <= tolerance(std::max(wanted.size(), offered.size()));
        if (near && (!best || distance < best_distance)) {
            best = candidate;
            best_distance = distance;
        }
    }
    return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string> known) {
    const auto match = closest_match(word, known);
    return match ? concat("did you mean '", *match, "'?") : std::string();
}

}  // namespace backup
