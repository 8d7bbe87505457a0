// SPDX-License-Identifier: Apache-2.0
// From kubectl's connection flags to a client of the API server.
#pragma once

#include "core/kube/kubeconfig.hpp"
#include "plugin/settings.hpp"

#include <memory>

namespace backup {
class Log;
}

namespace backup::kube {
class Client;
}

namespace backup::plugin {

class ParsedCommand;
struct App;

/// The connection flags; -n is not among them: most verbs mean something of their own by it. Throws
/// InvalidArgument on a bad --request-timeout.
kube::Overrides connection_flags(const ParsedCommand& arguments);

/// Reads the kubeconfig; sends nothing yet. Throws KubeconfigInvalid.
std::unique_ptr<kube::Client> make_client(const kube::Overrides& overrides,
                                          const App& app,
                                          const Log& log);

}  // namespace backup::plugin
