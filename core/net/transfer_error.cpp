// SPDX-License-Identifier: Apache-2.0
#include "core/net/transfer_error.hpp"

#include "core/base/text.hpp"

namespace backup::net {

namespace {

struct Words {
    std::string_view what;
    std::string_view hint;
    bool is_retryable;
};

/// No proxy is named: its URL may hold a password.
Words words_for(TransferFailure failure) {
    switch (failure) {
        case TransferFailure::NoSuchHost:
            return {"cannot find the address of",
                    "check the server's name in the kubeconfig, DNS and VPN",
                    true};
        case TransferFailure::CannotConnect:
            return {
                "cannot connect to", "is the server address right, and the cluster running?", true};
        case TransferFailure::Proxy:
            return {"the proxy does not lead to",
                    "check proxy-url in the kubeconfig, or HTTPS_PROXY",
                    true};
        case TransferFailure::UntrustedServer:
            return {"the server certificate is not trusted:",
                    "check certificate-authority and tls-server-name in the kubeconfig",
                    false};
        case TransferFailure::NoTls:
            return {
                "no TLS connection to", "is this port the API server's, and https right?", true};
        case TransferFailure::TimedOut:
            return {"no answer in time from", "", true};
        case TransferFailure::ClientCertificate:
            return {"the client certificate or key cannot be used for", "", false};
        case TransferFailure::Broken:
            break;
    }
    return {"the connection broke to", "try again", true};
}

ErrorCode code_of(TransferFailure failure) {
    switch (failure) {
        case TransferFailure::TimedOut:
            return ErrorCode::TimedOut;
        case TransferFailure::ClientCertificate:
            return ErrorCode::KubeconfigInvalid;
        default:
            return ErrorCode::ClusterUnreachable;
    }
}

}  // namespace

Error transfer_error(TransferFailure failure, const Url& url, std::string_view detail) {
    const auto words = words_for(failure);
    return Error(code_of(failure),
                 concat(words.what, " ", url.authority(), ": ", printable(detail)))
        .hint(std::string(words.hint))
        .retryable(words.is_retryable);
}

}  // namespace backup::net
