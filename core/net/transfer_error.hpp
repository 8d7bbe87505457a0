// SPDX-License-Identifier: Apache-2.0
// Why an exchange with a server failed, said to a person. Knows nothing of the library that failed.
#pragma once

#include "core/base/error.hpp"
#include "core/net/url.hpp"

namespace backup::net {

enum class TransferFailure {
    NoSuchHost,
    CannotConnect,
    Proxy,
    UntrustedServer,
    ClientCertificate,
    TimedOut,
    NoTls,
    Broken,
};

/// `detail` is the library's own text; it may be foreign.
Error transfer_error(TransferFailure failure, const Url& url, std::string_view detail);

}  // namespace backup::net
