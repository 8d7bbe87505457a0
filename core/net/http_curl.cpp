// SPDX-License-Identifier: Apache-2.0
#include "core/net/http_curl.hpp"

#include "core/base/error.hpp"
#include "core/base/stop_on_signal.hpp"
#include "core/base/synchronized.hpp"
#include "core/base/text.hpp"
#include "core/net/curl_library.hpp"
#include "core/net/transfer_error.hpp"
#include "core/net/url.hpp"

#include <array>
#include <mutex>
#include <new>

namespace backup::net {

namespace {

// One pass of curl_multi_perform reads some 25 MB at most; more can only be a compression bomb.
constexpr std::size_t kMostPendingBytes = 256U << 20U;
constexpr std::size_t kMostHeaderBytes = 1U << 20U;
constexpr std::size_t kMostIdleSessions = 32;

struct EasyDelete {
    void operator()(CURL* easy) const { curl().easy_cleanup(easy); }
};

struct MultiDelete {
    void operator()(CURLM* multi) const { curl().multi_cleanup(multi); }
};

struct ListDelete {
    void operator()(curl_slist* list) const { curl().slist_free_all(list); }
};

using Easy = std::unique_ptr<CURL, EasyDelete>;
using Multi = std::unique_ptr<CURLM, MultiDelete>;
using List = std::unique_ptr<curl_slist, ListDelete>;

void append(List& list, const std::string& line) {
    auto* longer = curl().slist_append(list.get(), line.c_str());
    if (longer == nullptr) {
        throw std::bad_alloc();
    }
    list.release();
    list.reset(longer);
}

template <typename Value>
void set(CURL* easy, CURLoption option, Value value) {
    const auto code = curl().easy_setopt(easy, option, value);
    if (code != CURLE_OK) {
        throw Error(ErrorCode::Internal,
                    concat("libcurl refuses option ",
                           static_cast<int>(option),
                           ": ",
                           curl().easy_strerror(code)));
    }
}

void set_blob(CURL* easy, CURLoption option, const std::string& pem) {
    // curl does not write through a blob it does not copy.
    curl_blob blob{const_cast<char*>(pem.data()), pem.size(), CURL_BLOB_NOCOPY};
    set(easy, option, &blob);
}

/// DNS answers and TLS sessions are shared. Connections are not: libcurl cannot share them between
/// threads (documentation of CURL_LOCK_DATA_CONNECT), so each session keeps its own.
class Share {
  public:
    Share() : share_(curl().share_init()) {
        curl().share_setopt(share_, CURLSHOPT_LOCKFUNC, &Share::lock);
        curl().share_setopt(share_, CURLSHOPT_UNLOCKFUNC, &Share::unlock);
        curl().share_setopt(share_, CURLSHOPT_USERDATA, this);
        curl().share_setopt(share_, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
        curl().share_setopt(share_, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    }

    ~Share() { curl().share_cleanup(share_); }

    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    CURLSH* get() const { return share_; }

  private:
    static void lock(CURL*, curl_lock_data data, curl_lock_access, void* self) {
        static_cast<Share*>(self)->mutexes_.at(static_cast<std::size_t>(data)).lock();
    }

    static void unlock(CURL*, curl_lock_data data, void* self) {
        static_cast<Share*>(self)->mutexes_.at(static_cast<std::size_t>(data)).unlock();
    }

    std::array<std::mutex, CURL_LOCK_DATA_LAST> mutexes_;
    CURLSH* share_;
};

TransferFailure failure_of(CURLcode code, bool has_proxy, bool was_asked) {
    switch (code) {
        case CURLE_COULDNT_RESOLVE_HOST:
            return TransferFailure::NoSuchHost;
        case CURLE_COULDNT_CONNECT:
            return has_proxy ? TransferFailure::Proxy : TransferFailure::CannotConnect;
        case CURLE_COULDNT_RESOLVE_PROXY:
        case CURLE_PROXY:
            return TransferFailure::Proxy;
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_ISSUER_ERROR:
            return TransferFailure::UntrustedServer;
        case CURLE_SSL_CERTPROBLEM:
            return TransferFailure::ClientCertificate;
        case CURLE_OPERATION_TIMEDOUT:
            return was_asked ? TransferFailure::TimedOut : TransferFailure::CannotConnect;
        case CURLE_SSL_CONNECT_ERROR:
            return TransferFailure::NoTls;
        default:
            return TransferFailure::Broken;
    }
}

/// What libcurl is told about every connection. Outlives the handles: they point here.
class Settings {
  public:
    explicit Settings(TransportOptions options) : options_(std::move(options)) {
        // Go resolves names at a SOCKS proxy; in libcurl that is socks5h.
        if (options_.proxy.starts_with("socks5://")) {
            options_.proxy = "socks5h://" + options_.proxy.substr(9);
        }
    }

    const TransportOptions& options() const { return options_; }

    /// Prepares a fresh handle for `url`; `connect_to` and `headers` must live as long as it runs.
    void apply(CURL* easy, const Url& url, List& connect_to, List& headers) const {
        auto target = url;
        if (!options_.tls.server_name.empty() && url.scheme == "https") {
            // There is no SNI option: the URL gets the name, CONNECT_TO the real place.
            const auto real =
                url.host.find(':') == std::string::npos ? url.host : "[" + url.host + "]";
            append(connect_to, concat("::", real, ":", url.port));
            append(headers, "Host: " + url.authority());
            set(easy, CURLOPT_CONNECT_TO, connect_to.get());
            target.host = options_.tls.server_name;
        }
        set(easy, CURLOPT_URL, format_url(target).c_str());
        set(easy, CURLOPT_SHARE, share_.get());
        set(easy, CURLOPT_NOSIGNAL, 1L);
        set(easy, CURLOPT_QUICK_EXIT, 1L);
        set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
        set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout.count()));
        set(easy, CURLOPT_TCP_KEEPALIVE, 1L);
        set(easy, CURLOPT_TCP_KEEPIDLE, 30L);
        set(easy, CURLOPT_TCP_KEEPINTVL, 15L);
        set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
        if (!options_.proxy.empty()) {
            set(easy, CURLOPT_PROXY, options_.proxy.c_str());
            set(easy, CURLOPT_NOPROXY, "");
        } else if (url.is_loopback()) {
            set(easy, CURLOPT_PROXY, "");
        }
        apply_tls(easy);
    }

  private:
    void apply_tls(CURL* easy) const {
        const auto& tls = options_.tls;
        if (tls.insecure) {
            set(easy, CURLOPT_SSL_VERIFYPEER, 0L);
            set(easy, CURLOPT_SSL_VERIFYHOST, 0L);
        }
        if (!tls.ca_pem.empty()) {
            set_blob(easy, CURLOPT_CAINFO_BLOB, tls.ca_pem);
            // Otherwise OpenSSL's default directory of public authorities is trusted as well.
            set(easy, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
        }
        if (!tls.certificate_pem.empty()) {
            set(easy, CURLOPT_SSLCERTTYPE, "PEM");
            set(easy, CURLOPT_SSLKEYTYPE, "PEM");
            set_blob(easy, CURLOPT_SSLCERT_BLOB, tls.certificate_pem);
            set_blob(easy, CURLOPT_SSLKEY_BLOB, tls.key_pem);
        }
    }

    TransportOptions options_;
    Share share_;
};

/// A handle in a multi of its own, so that stop can wake it at once and its connection stays with
/// it.
class Session {
  public:
    explicit Session(const Settings& settings)
        : settings_(settings),
          multi_(curl().multi_init()),
          easy_(curl().easy_init()) {
        if (!easy_ || !multi_) {
            throw std::bad_alloc();
        }
    }

    ~Session() { detach(); }

    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    CURL* easy() const { return easy_.get(); }

    void prepare(const std::string& url) {
        curl().easy_reset(easy());
        url_ = parse_url(url);
        connect_to_.reset();
        headers_.reset();
        error_text_[0] = '\0';
        set(easy(), CURLOPT_ERRORBUFFER, error_text_.data());
        settings_.apply(easy(), url_, connect_to_, headers_);
    }

    void add_header(const std::string& line) { append(headers_, line); }

    /// Runs until the transfer is done or `progress` says false. Leaves the handle in its multi.
    void run(const std::stop_token& stop, const std::function<bool()>& progress) {
        if (headers_) {
            set(easy(), CURLOPT_HTTPHEADER, headers_.get());
        }
        check(curl().multi_add_handle(multi_.get(), easy()));
        is_attached_ = true;
        const std::stop_callback wake(stop, [this] { curl().multi_wakeup(multi_.get()); });
        while (true) {
            throw_if_stopped(stop);
            int running = 0;
            check(curl().multi_perform(multi_.get(), &running));
            if (!progress()) {
                return;
            }
            if (running == 0) {
                finish();
                return;
            }
            check(curl().multi_poll(multi_.get(), nullptr, 0, 1000, nullptr));
        }
    }

    void detach() {
        if (is_attached_) {
            curl().multi_remove_handle(multi_.get(), easy());
            is_attached_ = false;
        }
    }

    Error error(CURLcode code) const {
        curl_off_t until_asked = 0;
        curl().easy_getinfo(easy(), CURLINFO_PRETRANSFER_TIME_T, &until_asked);
        return transfer_error(
            failure_of(code, !settings_.options().proxy.empty(), until_asked > 0),
            url_,
            error_text_[0] != '\0' ? error_text_.data() : curl().easy_strerror(code));
    }

  private:
    static void check(CURLMcode code) {
        if (code != CURLM_OK) {
            throw Error(ErrorCode::Internal, concat("libcurl: ", curl().multi_strerror(code)));
        }
    }

    void finish() {
        int left = 0;
        while (const auto* message = curl().multi_info_read(multi_.get(), &left)) {
            if (message->msg == CURLMSG_DONE && message->data.result != CURLE_OK) {
                throw error(message->data.result);
            }
        }
    }

    const Settings& settings_;
    Url url_;
    std::array<char, CURL_ERROR_SIZE> error_text_{};
    List connect_to_;
    List headers_;
    Multi multi_;
    Easy easy_;
    bool is_attached_ = false;
};

/// One exchange on a session. The callbacks only store bytes: nothing throws through libcurl.
class Exchange {
  public:
    Exchange(Session& session, const Request& request, const OnBody& on_body)
        : session_(session),
          request_(request),
          on_body_(on_body) {}

    Response run(const TransportOptions& options) {
        session_.prepare(request_.url);
        prepare(options);
        session_.run(request_.stop, [this] { return deliver(); });
        response_.status = status();
        session_.detach();
        return std::move(response_);
    }

  private:
    void prepare(const TransportOptions& options) {
        auto* easy = session_.easy();
        set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
        set(easy, CURLOPT_BUFFERSIZE, 256L << 10);
        set(easy, CURLOPT_USERAGENT, options.user_agent.c_str());
        set(easy, CURLOPT_WRITEFUNCTION, &Exchange::on_bytes);
        set(easy, CURLOPT_WRITEDATA, this);
        set(easy, CURLOPT_HEADERFUNCTION, &Exchange::on_header);
        set(easy, CURLOPT_HEADERDATA, this);
        set(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request_.timeout.count()));
        if (request_.idle_timeout.count() > 0) {
            const auto seconds = (request_.idle_timeout.count() + 999) / 1000;
            set(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
            set(easy, CURLOPT_LOW_SPEED_TIME, static_cast<long>(seconds));
        }
        if (options.compression) {
            set(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
        }
        if (request_.method != "GET") {
            set(easy, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
        }
        if (!request_.body.empty() || request_.method == "POST" || request_.method == "PUT" ||
            request_.method == "PATCH") {
            set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
            set(easy, CURLOPT_POSTFIELDS, request_.body.c_str());
            session_.add_header("Expect:");
        }
        for (const auto& [name, value] : request_.headers) {
            session_.add_header(value.empty() ? name + ";" : name + ": " + value);
        }
    }

    int status() const {
        long code = 0;
        curl().easy_getinfo(session_.easy(), CURLINFO_RESPONSE_CODE, &code);
        return static_cast<int>(code);
    }

    bool deliver() {
        if (pending_.empty()) {
            return true;
        }
        response_.status = status();
        if (on_body_ && response_.is_success()) {
            const bool go_on = on_body_(as_bytes(pending_));
            pending_.clear();
            return go_on;
        }
        if (response_.body.size() + pending_.size() > request_.response_limit_bytes) {
            throw Error(ErrorCode::Unsupported,
                        concat("the answer to ",
                               request_.method,
                               " ",
                               request_.url,
                               " is larger than ",
                               request_.response_limit_bytes,
                               " bytes"));
        }
        response_.body += pending_;
        pending_.clear();
        return true;
    }

    static std::size_t on_bytes(const char* data, std::size_t, std::size_t count, void* self) {
        auto& exchange = *static_cast<Exchange*>(self);
        if (exchange.pending_.size() + count > kMostPendingBytes) {
            return 0;
        }
        exchange.pending_.append(data, count);
        return count;
    }

    static std::size_t on_header(const char* data, std::size_t, std::size_t count, void* self) {
        auto& exchange = *static_cast<Exchange*>(self);
        const auto line = trim(std::string_view(data, count));
        exchange.header_bytes_ += count;
        if (exchange.header_bytes_ > kMostHeaderBytes) {
            return 0;
        }
        if (line.starts_with("HTTP/")) {
            exchange.response_.headers.clear();
        } else if (const auto colon = line.find(':'); colon != std::string_view::npos) {
            exchange.response_.headers.emplace_back(to_lower(line.substr(0, colon)),
                                                    trim(line.substr(colon + 1)));
        }
        return count;
    }

    Session& session_;
    const Request& request_;
    const OnBody& on_body_;
    Response response_;
    std::string pending_;
    std::size_t header_bytes_ = 0;
};

class CurlConnection : public Connection {
  public:
    CurlConnection(std::shared_ptr<const Settings> settings, const ConnectRequest& request)
        : settings_(std::move(settings)),
          session_(*settings_) {
        session_.prepare(request.url);
        // curl_easy_recv is of no use on an HTTP/2 connection.
        set(session_.easy(), CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
        set(session_.easy(), CURLOPT_CONNECT_ONLY, 1L);
        session_.run(request.stop, [] { return true; });
        curl_socket_t socket = CURL_SOCKET_BAD;
        curl().easy_getinfo(session_.easy(), CURLINFO_ACTIVESOCKET, &socket);
        if (socket == CURL_SOCKET_BAD) {
            throw session_.error(CURLE_COULDNT_CONNECT);
        }
        socket_ = socket;
    }

    std::size_t try_send(ByteView bytes) override {
        std::size_t sent = 0;
        const auto code = curl().easy_send(session_.easy(), bytes.data(), bytes.size(), &sent);
        if (code != CURLE_OK && code != CURLE_AGAIN) {
            throw session_.error(code);
        }
        return code == CURLE_OK ? sent : 0;
    }

    std::optional<std::size_t> try_receive(std::span<std::byte> buffer) override {
        std::size_t received = 0;
        const auto code =
            curl().easy_recv(session_.easy(), buffer.data(), buffer.size(), &received);
        if (code == CURLE_AGAIN) {
            return std::nullopt;
        }
        if (code != CURLE_OK) {
            throw session_.error(code);
        }
        return received;
    }

    int socket() const override { return socket_; }

  private:
    std::shared_ptr<const Settings> settings_;
    Session session_;
    int socket_ = -1;
};

class CurlTransport : public HttpTransport {
  public:
    explicit CurlTransport(const TransportOptions& options)
        : settings_(std::make_shared<Settings>(options)) {}

    Response send(const Request& request, const OnBody& on_body) override {
        auto session = take();
        auto response = Exchange(*session, request, on_body).run(settings_->options());
        give_back(std::move(session));
        return response;
    }

    std::unique_ptr<Connection> connect(const ConnectRequest& request) override {
        return std::make_unique<CurlConnection>(settings_, request);
    }

  private:
    // The one used last comes first: its connection is the freshest, and idle ones die out.
    std::unique_ptr<Session> take() {
        auto idle = idle_.lock();
        if (idle->empty()) {
            return std::make_unique<Session>(*settings_);
        }
        auto session = std::move(idle->back());
        idle->pop_back();
        return session;
    }

    void give_back(std::unique_ptr<Session> session) {
        auto idle = idle_.lock();
        if (idle->size() < kMostIdleSessions) {
            idle->push_back(std::move(session));
        }
    }

    std::shared_ptr<const Settings> settings_;
    Synchronized<std::vector<std::unique_ptr<Session>>> idle_;
};

}  // namespace

std::unique_ptr<HttpTransport> make_curl_transport(const TransportOptions& options) {
    return std::make_unique<CurlTransport>(options);
}

}  // namespace backup::net
