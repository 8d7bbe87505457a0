// SPDX-License-Identifier: Apache-2.0
// Diagnostics for the person who looks into a run: one line a record, to stderr, by layer and
// level. Never log what a Secret, a token, a key or a passphrase holds (an end-to-end test plants
// one).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace backup {

enum class LogLevel { Error, Warn, Info, Debug, Trace };

/// Thread-safe after configuration.
class Log {
  public:
    using Sink = std::function<void(std::string_view line)>;

    /// `sink` gets one line without its newline; it must be safe to call from any thread.
    explicit Log(Sink sink, LogLevel level = LogLevel::Warn);

    /// "repository=debug,kube=trace" or just "debug"; throws Usage on an unknown layer or level.
    void configure(std::string_view spec);

    bool is_enabled(std::string_view layer, LogLevel level) const;
    void write(std::string_view layer, LogLevel level, std::string_view message) const;

    void warn(std::string_view layer, std::string_view message) const {
        write(layer, LogLevel::Warn, message);
    }

    void info(std::string_view layer, std::string_view message) const {
        write(layer, LogLevel::Info, message);
    }

    void debug(std::string_view layer, std::string_view message) const {
        write(layer, LogLevel::Debug, message);
    }

    /// Drops everything: the default of library objects and tests.
    static const Log& silent();

  private:
    Sink sink_;
    LogLevel level_;
    std::map<std::string, LogLevel, std::less<>> by_layer_;
};

}  // namespace backup
