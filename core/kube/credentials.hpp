// SPDX-License-Identifier: Apache-2.0
// What proves who we are: headers and client certificate, kept fresh. Never logs or shows a secret.
#pragma once

#include "core/base/clock.hpp"
#include "core/base/process.hpp"
#include "core/base/synchronized.hpp"
#include "core/kube/cluster_config.hpp"

#include <functional>

namespace backup::kube {

struct Credential {
    std::string authorization;  // header value; may be empty
    std::string certificate_pem;
    std::string key_pem;
    std::uint64_t generation = 0;  // grows with each new credential
};

struct CredentialsOptions {
    /// A credential plugin may ask the person: our stdin is a terminal and not used for data.
    bool is_interactive = false;
    std::function<ProcessResult(const ProcessOptions&)> run = run_process;
};

/// Safe to call from many threads; one of them runs the credential plugin, the others wait.
class Credentials {
  public:
    Credentials(const ClusterConfig& config, Clock& clock, CredentialsOptions options = {});

    /// The one to use now. A token file is read again every minute (the last good token stays in
    /// use when that fails), an expired plugin credential is fetched again.
    Credential current();

    /// After a 401 with the credential of that generation: true when another one is there now. Each
    /// is given up at most once.
    bool renew(std::uint64_t rejected_generation);

    /// Impersonate-* (client-go transport/round_trippers.go).
    const net::Headers& impersonation_headers() const { return impersonation_headers_; }

  private:
    struct State {
        Credential credential;
        bool is_valid = false;
        std::chrono::steady_clock::time_point read_at;
        std::optional<TimePoint> expires;
    };

    void refresh(State& state);
    void read_token_file(State& state);
    void run_plugin(State& state);
    ProcessOptions plugin_process() const;

    ClusterConfig config_;
    Clock& clock_;
    CredentialsOptions options_;
    net::Headers impersonation_headers_;
    Synchronized<State> state_;
};

}  // namespace backup::kube
