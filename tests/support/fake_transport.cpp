// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_transport.hpp"

#include <algorithm>

namespace backup::testing {

namespace {

// Small and odd, so that a body never arrives cut where it would be convenient.
constexpr std::size_t kPiece = 7;

std::string line_of(const net::Request& request) {
    const auto host = request.url.find("://") + 3;
    return request.method + " " +
           request.url.substr(std::min(request.url.find('/', host), request.url.size()));
}

class ScriptedTransport : public net::HttpTransport {
  public:
    explicit ScriptedTransport(FakeTransport& script) : script_(script) {}

    net::Response send(const net::Request& request, const net::OnBody& on_body) override {
        return script_.answer(request, on_body);
    }

    std::unique_ptr<net::Connection> connect(const net::ConnectRequest&) override {
        return script_.connect();
    }

  private:
    FakeTransport& script_;
};

}  // namespace

void FakeTransport::on(const std::string& key, Answer answer) {
    const std::scoped_lock lock(mutex_);
    script_[key].push_back(std::move(answer));
}

void FakeTransport::on_connect(std::function<std::unique_ptr<net::Connection>()> connect) {
    connect_ = std::move(connect);
}

std::vector<net::Request> FakeTransport::requests() const {
    const std::scoped_lock lock(mutex_);
    return requests_;
}

std::vector<std::string> FakeTransport::lines() const {
    std::vector<std::string> lines;
    for (const auto& request : requests()) {
        lines.push_back(line_of(request));
    }
    return lines;
}

std::vector<net::TransportOptions> FakeTransport::made() const {
    const std::scoped_lock lock(mutex_);
    return made_;
}

net::MakeTransport FakeTransport::maker() {
    return [this](const net::TransportOptions& options) -> std::unique_ptr<net::HttpTransport> {
        const std::scoped_lock lock(mutex_);
        made_.push_back(options);
        return std::make_unique<ScriptedTransport>(*this);
    };
}

FakeTransport::Answer FakeTransport::find(const net::Request& request) {
    const std::scoped_lock lock(mutex_);
    requests_.push_back(request);
    const auto line = line_of(request);
    for (const auto& key : {line, line.substr(0, line.find('?'))}) {
        const auto found = script_.find(key);
        if (found == script_.end()) {
            continue;
        }
        auto answer = found->second.front();
        if (found->second.size() > 1) {
            found->second.pop_front();
        }
        return answer;
    }
    return {404, R"({"kind":"Status","reason":"NotFound","message":"not in the script"})", {}, {}};
}

net::Response FakeTransport::answer(const net::Request& request, const net::OnBody& on_body) {
    auto answer = find(request);
    if (answer.failure) {
        throw Error(*answer.failure);
    }
    net::Response response{answer.status, answer.headers, answer.body};
    if (on_body && response.is_success()) {
        const auto body = as_bytes(answer.body);
        for (std::size_t at = 0; at < body.size(); at += kPiece) {
            if (!on_body(body.subspan(at, std::min(kPiece, body.size() - at)))) {
                break;
            }
        }
        response.body.clear();
    }
    return response;
}

std::unique_ptr<net::Connection> FakeTransport::connect() {
    if (!connect_) {
        throw Error(ErrorCode::ClusterUnreachable, "nobody listens in this test");
    }
    return connect_();
}

}  // namespace backup::testing
