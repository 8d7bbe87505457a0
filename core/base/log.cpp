// SPDX-License-Identifier: Apache-2.0
#include "core/base/log.hpp"

#include "core/base/closest_match.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace backup {

namespace {

constexpr std::array<std::string_view, 5> kLevelNames = {"error", "warn", "info", "debug", "trace"};

std::string_view name_of(LogLevel level) {
    return kLevelNames.at(static_cast<std::size_t>(level));
}

/// The layers of docs/architecture.md.
constexpr std::array<std::string_view, 14> kLayers = {"base",
                                                      "model",
                                                      "net",
                                                      "content",
                                                      "kube",
                                                      "backend",
                                                      "repository",
                                                      "maintenance",
                                                      "volume",
                                                      "capture",
                                                      "view",
                                                      "restore",
                                                      "fuse",
                                                      "plugin"};

std::string parse_layer(std::string_view text) {
    auto layer = to_lower(trim(text));
    if (std::find(kLayers.begin(), kLayers.end(), layer) == kLayers.end()) {
        const std::vector<std::string> known(kLayers.begin(), kLayers.end());
        const auto guess = did_you_mean(layer, known);
        throw Error(ErrorCode::Usage, concat("unknown layer '", printable(text), "' to log"))
            .hint(guess.empty() ? concat("layers are ", join(known, ", ")) : guess);
    }
    return layer;
}

LogLevel parse_level(std::string_view text) {
    const auto wanted = to_lower(trim(text));
    for (std::size_t i = 0; i < kLevelNames.size(); ++i) {
        if (kLevelNames[i] == wanted) {
            return static_cast<LogLevel>(i);
        }
    }
    const std::vector<std::string> known(kLevelNames.begin(), kLevelNames.end());
    const auto guess = did_you_mean(wanted, known);
    throw Error(ErrorCode::Usage, concat("unknown log level '", printable(text), "'"))
        .hint(guess.empty() ? concat("levels are ", join(known, ", ")) : guess);
}

}  // namespace

Log::Log(Sink sink, LogLevel level) : sink_(std::move(sink)), level_(level) {}

void Log::configure(std::string_view spec) {
    for (const auto& part : split(spec, ',')) {
        const auto item = trim(part);
        if (item.empty()) {
            continue;
        }
        const auto equals = item.find('=');
        if (equals == std::string_view::npos) {
            level_ = parse_level(item);
        } else {
            by_layer_[parse_layer(item.substr(0, equals))] = parse_level(item.substr(equals + 1));
        }
    }
}

bool Log::is_enabled(std::string_view layer, LogLevel level) const {
    if (!sink_) {
        return false;
    }
    const auto found = by_layer_.find(layer);
    return level <= (found == by_layer_.end() ? level_ : found->second);
}

void Log::write(std::string_view layer, LogLevel level, std::string_view message) const {
    if (is_enabled(layer, level)) {
        sink_(concat(name_of(level), " ", layer, ": ", printable(message)));
    }
}

const Log& Log::silent() {
    static const Log log(nullptr, LogLevel::Error);
    return log;
}

}  // namespace backup
