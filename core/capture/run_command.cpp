// SPDX-License-Identifier: Apache-2.0
#include "core/capture/run_command.hpp"

#include "core/base/synchronized.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/kube/exec_stream.hpp"

#include <atomic>
#include <functional>
#include <utility>

namespace backup::capture {

namespace {

constexpr std::size_t kReadBytes = 64U << 10U;

/// The end of what two threads write.
class Tail {
  public:
    void add(std::string_view text) {
        auto kept = kept_.lock();
        *kept += text.substr(text.size() - std::min(text.size(), kCommandTailBytes));
        if (kept->size() > kCommandTailBytes) {
            kept->erase(0, kept->size() - kCommandTailBytes);
        }
    }

    std::string text() {
        std::vector<std::string> lines;
        auto kept = kept_.lock();
        for (const auto& line : split(trim(*kept), '\n')) {
            lines.push_back(printable(line));
        }
        return end_of(join(lines, "\n"));
    }

  private:
    /// Control characters have become longer.
    static std::string end_of(std::string text) {
        auto begin = text.size() - std::min(text.size(), kCommandTailBytes);
        while (begin > 0 && begin < text.size() && is_continuation(text[begin])) {
            ++begin;
        }
        return text.substr(begin);
    }

    static bool is_continuation(char byte) {
        return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
    }

    Synchronized<std::string> kept_;
};

class ExecRun {
  public:
    ExecRun(kube::Client& client, const CommandRequest& request, CommandReport& report)
        : client_(client),
          request_(request),
          report_(report) {}

    void run(const std::stop_token& stop) {
        std::stop_source own;
        const std::stop_callback link(stop, [&own] { own.request_stop(); });
        std::atomic<bool> is_late = false;
        TaskGroup timer;
        timer.start([&](const std::stop_token& token) {
            if (client_.sleep(request_.timeout, token)) {
                is_late = true;
                own.request_stop();
            }
        });
        const auto failure = failure_of([&] { exec(own.get_token()); });
        report_.tail = tail_.text();
        if (!failure) {
            return;
        }
        if (is_late && failure->code() == ErrorCode::Interrupted) {
            throw Error(ErrorCode::TimedOut,
                        concat("it has not ended after ",
                               std::chrono::duration<double>(request_.timeout).count(),
                               " s"));
        }
        throw Error(*failure);
    }

  private:
    void exec(const std::stop_token& stop) {
        kube::ExecOptions options;
        options.ns = request_.ns;
        options.pod = request_.pod;
        options.container = request_.container;
        options.command = request_.command;
        options.on_error_text = [this](std::string_view text) { tail_.add(text); };
        options.stop = stop;
        const auto stream = kube::open_exec(client_, options);
        stream->close_input();
        Bytes buffer(kReadBytes);
        while (const auto count = stream->output().read(buffer)) {
            const auto bytes = ByteView(buffer).first(count);
            if (request_.output != nullptr) {
                request_.output->write(bytes);
            } else {
                tail_.add(as_text(bytes));
            }
        }
        report_.exit_code = stream->wait();
    }

    kube::Client& client_;
    const CommandRequest& request_;
    CommandReport& report_;
    Tail tail_;
};

class ExecRunner : public CommandRunner {
  public:
    explicit ExecRunner(kube::Client& client) : client_(client) {}

    void run(const CommandRequest& request,
             CommandReport& report,
             const std::stop_token& stop) override {
        ExecRun(client_, request, report).run(stop);
    }

  private:
    kube::Client& client_;
};

}  // namespace

std::unique_ptr<CommandRunner> make_command_runner(kube::Client& client) {
    return std::make_unique<ExecRunner>(client);
}

}  // namespace backup::capture
