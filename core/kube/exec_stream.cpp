// SPDX-License-Identifier: Apache-2.0
#include "core/kube/exec_stream.hpp"

#include "core/base/stop_on_signal.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/kube/chunk_pipe.hpp"
#include "core/kube/exec_status.hpp"
#include "core/net/socket_wait.hpp"

#include <algorithm>
#include <array>
#include <poll.h>

namespace backup::kube {

namespace {

constexpr std::byte kInputChannel{0};
constexpr std::byte kOutputChannel{1};
constexpr std::byte kErrorTextChannel{2};
constexpr std::byte kStatusChannel{3};
constexpr std::byte kCloseChannel{255};
constexpr std::string_view kV5 = "v5.channel.k8s.io";

constexpr std::size_t kMessageBytes = 64U << 10U;
constexpr std::size_t kMostQueuedOnSocket = 256U << 10U;
constexpr std::size_t kErrorTextKept = 64U << 10U;
constexpr std::size_t kLongestStatus = 1U << 20U;
constexpr int kMessagesPerRound = 64;
// Once the status is there only the rest of the output can come.
constexpr std::chrono::seconds kRestLimit{30};
// The server answers no ping while it waits for the command to take its input.
constexpr std::chrono::minutes kBlockedInputLimit{15};

using Steady = std::chrono::steady_clock;

struct Outcome {
    std::optional<ExecStatus> status;
    std::optional<Error> error;
    std::string error_text;
};

/// The thread that owns the socket.
class Mover {
  public:
    Mover(std::unique_ptr<net::WebSocket> socket, const ExecOptions& options)
        : socket_(std::move(socket)),
          options_(options),
          input_(options.buffer_bytes, [this] { wake_.wake(); }),
          output_(options.buffer_bytes, [this] { wake_.wake(); }) {}

    ChunkPipe& input() { return input_; }

    ChunkPipe& output() { return output_; }

    const std::string& subprotocol() const { return socket_->subprotocol(); }

    Outcome outcome() const { return *outcome_.lock(); }

    void run(const std::stop_token& stop) {
        const std::stop_callback on_stop(stop, [this] { wake_.wake(); });
        auto error = failure_of([&] { move_all(stop); });
        outcome_.lock()->error = std::move(error);
        input_.close();
        output_.close();
    }

  private:
    void move_all(const std::stop_token& stop) {
        last_sent_ = last_received_ = Steady::now();
        while (true) {
            if (stop.stop_requested()) {
                say_goodbye();
                throw_if_stopped(stop);
            }
            const bool has_sent = send_some();
            bool has_received = false;
            const auto failure = failure_of([&] { has_received = receive_some(); });
            if (failure && !has_status()) {
                throw Error(send_error_.value_or(*failure));
            }
            // A server that leaves with input unread resets the connection: no news after the
            // status.
            is_over_ = is_over_ || failure;
            if (is_over_ || socket_->is_closed()) {
                break;
            }
            if (!has_sent && !has_received) {
                stay_alive();
                wait();
            }
        }
        finish();
    }

    bool has_status() const { return !status_text_.empty(); }

    bool is_sending() const {
        return socket_->queued_bytes() != 0 && !has_status() && !send_error_;
    }

    bool send_some() {
        if (has_status() || send_error_) {
            return false;
        }
        bool has_input = false;
        while (socket_->queued_bytes() < kMostQueuedOnSocket) {
            auto frame = input_.try_pop();
            if (!frame) {
                break;
            }
            socket_->queue(std::move(*frame));
            has_input = true;
        }
        sent_since_received_ = sent_since_received_ || has_input;
        bool has_sent = false;
        // When the server takes no more, what it said before it left is still to be read.
        send_error_ = failure_of([&] { has_sent = socket_->flush(); });
        if (has_sent) {
            last_sent_ = Steady::now();
        }
        return has_sent;
    }

    bool receive_some() {
        const auto before = socket_->received_bytes();
        for (int i = 0; i < kMessagesPerRound && !is_over_; ++i) {
            is_paused_ = !output_.has_room();
            if (is_paused_) {
                break;
            }
            auto message = socket_->receive();
            if (!message) {
                break;
            }
            take(std::move(*message));
        }
        const bool has_received = socket_->received_bytes() != before;
        if (has_received) {
            sent_since_received_ = false;
        }
        if (has_received || is_paused_) {
            last_received_ = Steady::now();
        }
        return has_received;
    }

    void take(net::Message message) {
        if (message.opcode == net::Opcode::Close) {
            is_over_ = true;
            return;
        }
        if (message.opcode == net::Opcode::Pong || message.payload.empty()) {
            return;
        }
        const auto channel = message.payload.front();
        if (channel == kOutputChannel && message.payload.size() > 1) {
            output_.put(std::move(message.payload));
        } else if (channel == kErrorTextChannel) {
            keep_error_text(as_text(message.payload).substr(1));
        } else if (channel == kStatusChannel) {
            status_text_ += as_text(message.payload).substr(1);
            if (status_text_.size() > kLongestStatus) {
                throw Error(ErrorCode::ExecFailed, "the status of the command is too long");
            }
            // Nobody reads the input any more.
            if (has_status()) {
                input_.close();
            }
        }
    }

    void keep_error_text(std::string_view text) {
        if (options_.on_error_text && !text.empty()) {
            options_.on_error_text(text);
        }
        auto outcome = outcome_.lock();
        auto& kept = outcome->error_text;
        kept += text;
        if (kept.size() > kErrorTextKept) {
            kept.erase(0, kept.size() - kErrorTextKept);
        }
    }

    void stay_alive() {
        const auto now = Steady::now();
        const auto silence = now - last_received_;
        if (has_status() || send_error_) {
            is_over_ = silence > kRestLimit;
            return;
        }
        if (socket_->queued_bytes() != 0) {
            return;
        }
        if (silence > (sent_since_received_ ? kBlockedInputLimit : options_.silence_limit)) {
            throw Error(ErrorCode::ExecFailed,
                        concat("no sign of life from ",
                               options_.ns,
                               "/",
                               options_.pod,
                               " for ",
                               options_.silence_limit.count() / 1000,
                               " s"))
                .retryable();
        }
        if (now - last_sent_ >= options_.ping_interval) {
            socket_->queue(
                net::encode_client_frame(net::Opcode::Ping, {}, {}, net::make_mask_key(random_)));
        }
    }

    void wait() {
        const auto events = (is_paused_ ? 0 : POLLIN) | (is_sending() ? POLLOUT : 0);
        net::poll_socket(socket_->socket(),
                         static_cast<short>(events),
                         wake_,
                         std::min(options_.ping_interval, std::chrono::milliseconds(1'000)));
        wake_.clear();
    }

    /// Tells the server that we leave, if there is room for it.
    void say_goodbye() {
        if (socket_->queued_bytes() == 0) {
            socket_->queue(
                net::encode_client_frame(net::Opcode::Close, {}, {}, net::make_mask_key(random_)));
            // A courtesy: it changes nothing when the server is gone already.
            static_cast<void>(failure_of([this] { socket_->flush(); }));
        }
    }

    void finish() {
        if (!has_status() && send_error_) {
            throw Error(*send_error_);
        }
        if (!has_status()) {
            throw Error(ErrorCode::ExecFailed,
                        concat("the connection to ",
                               options_.ns,
                               "/",
                               options_.pod,
                               " ended before the command's exit status came"))
                .retryable();
        }
        outcome_.lock()->status = read_exec_status(status_text_);
        if (socket_->queued_bytes() == 0 && !socket_->is_closed()) {
            say_goodbye();
        }
    }

    std::unique_ptr<net::WebSocket> socket_;
    const ExecOptions& options_;
    net::WakeUp wake_;
    ChunkPipe input_;
    ChunkPipe output_;
    mutable Synchronized<Outcome> outcome_;
    SystemRandom random_;
    std::string status_text_;
    std::optional<Error> send_error_;
    Steady::time_point last_sent_;
    Steady::time_point last_received_;
    bool sent_since_received_ = false;
    bool is_paused_ = false;
    bool is_over_ = false;
};

Error could_not_run(const ExecOptions& options, const ExecStatus& status) {
    return {ErrorCode::ExecFailed,
            concat("the command could not be run in ",
                   options.ns,
                   "/",
                   options.pod,
                   ": ",
                   status.message)};
}

class Input : public ByteSink {
  public:
    Input(Mover& mover, const ExecOptions& options) : mover_(mover), options_(options) {}

    void write(ByteView bytes) override {
        while (!bytes.empty()) {
            const auto piece = bytes.first(std::min(bytes.size(), kMessageBytes));
            bytes = bytes.subspan(piece.size());
            if (!push(std::array{kInputChannel}, piece)) {
                refuse();
            }
        }
    }

    void close() {
        if (!std::exchange(is_closed_, true)) {
            // One that has ended needs no end of its input; how it ended, others tell.
            static_cast<void>(push(std::array{kCloseChannel}, std::array{kInputChannel}));
        }
    }

  private:
    /// False when the command has ended.
    bool push(ByteView head, ByteView tail) {
        return mover_.input().push(
            net::encode_client_frame(net::Opcode::Binary, head, tail, net::make_mask_key(random_)));
    }

    [[noreturn]] void refuse() const {
        const auto outcome = mover_.outcome();
        if (outcome.error) {
            throw Error(*outcome.error);
        }
        if (outcome.status && !outcome.status->has_exit_code) {
            throw could_not_run(options_, *outcome.status);
        }
        throw Error(ErrorCode::ExecFailed,
                    concat("the command in ",
                           options_.ns,
                           "/",
                           options_.pod,
                           " ended before it had taken its whole input"));
    }

    Mover& mover_;
    const ExecOptions& options_;
    SystemRandom random_;
    bool is_closed_ = false;
};

class Output : public ByteSource {
  public:
    Output(Mover& mover, const ExecOptions& options) : mover_(mover), options_(options) {}

    std::size_t read(std::span<std::byte> buffer) override {
        if (rest_.empty() && !next()) {
            return 0;
        }
        const auto count = std::min(buffer.size(), rest_.size());
        std::copy_n(rest_.begin(), count, buffer.begin());
        rest_ = rest_.subspan(count);
        return count;
    }

  private:
    bool next() {
        if (auto chunk = mover_.output().pop()) {
            chunk_ = std::move(*chunk);
            rest_ = ByteView(chunk_).subspan(1);  // behind the channel number
            return true;
        }
        const auto outcome = mover_.outcome();
        if (outcome.error) {
            throw Error(*outcome.error);
        }
        if (outcome.status && !outcome.status->has_exit_code) {
            throw could_not_run(options_, *outcome.status);
        }
        return false;
    }

    Mover& mover_;
    const ExecOptions& options_;
    Bytes chunk_;
    ByteView rest_;
};

class WebSocketExec : public ExecStream {
  public:
    WebSocketExec(std::unique_ptr<net::WebSocket> socket, const ExecOptions& options)
        : options_(options),
          mover_(std::move(socket), options_),
          input_(mover_, options_),
          output_(mover_, options_),
          thread_(options_.stop) {
        thread_.start([this](const std::stop_token& stop) { mover_.run(stop); });
    }

    ByteSink& input() override { return input_; }

    ByteSource& output() override { return output_; }

    bool can_close_input() const override { return mover_.subprotocol() == kV5; }

    bool close_input() override {
        if (can_close_input()) {
            input_.close();
        }
        return can_close_input();
    }

    int wait() override {
        mover_.output().discard();
        thread_.wait();
        const auto outcome = mover_.outcome();
        if (outcome.error) {
            throw Error(*outcome.error);
        }
        if (!outcome.status->has_exit_code) {
            throw could_not_run(options_, *outcome.status);
        }
        return outcome.status->exit_code;
    }

    std::string error_text() const override { return mover_.outcome().error_text; }

    const std::string& subprotocol() const override { return mover_.subprotocol(); }

  private:
    ExecOptions options_;
    Mover mover_;
    Input input_;
    Output output_;
    TaskGroup thread_;  // last: it is joined before the rest goes
};

}  // namespace

std::unique_ptr<ExecStream> open_exec(Client& client, const ExecOptions& options) {
    ApiRequest request;
    request.path = concat("/api/v1/namespaces/",
                          net::percent_encode(options.ns),
                          "/pods/",
                          net::percent_encode(options.pod),
                          "/exec");
    if (!options.container.empty()) {
        request.query.emplace_back("container", options.container);
    }
    for (const auto& word : options.command) {
        request.query.emplace_back("command", word);
    }
    // Input is always asked for: without it some runtimes end after the first output (kata#13640).
    for (const auto* stream : {"stdin", "stdout", "stderr"}) {
        request.query.emplace_back(stream, "true");
    }
    request.asked = {"create, get", "", "pods/exec", options.ns, options.pod};
    request.accept = "*/*";  // a kubelet answers 406 to application/json here
    request.stop = options.stop;
    return std::make_unique<WebSocketExec>(client.open_websocket(request, options.subprotocols),
                                           options);
}

}  // namespace backup::kube
