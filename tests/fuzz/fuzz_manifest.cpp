// SPDX-License-Identifier: Apache-2.0
// An object of an API server (or of a repository) until it is a manifest, and a point's ledger.
#include "core/base/error.hpp"
#include "core/model/ledger.hpp"
#include "core/model/manifest.hpp"
#include "core/model/object.hpp"

#include <cstdint>
#include <cstdlib>

using namespace backup;

namespace {

template <typename Action>
void may_refuse(ErrorCode code, Action action) {
    try {
        action();
    } catch (const Error& error) {
        if (error.code() != code) {
            std::abort();
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    model::ApiResource resource;
    resource.plural = "things";
    may_refuse(ErrorCode::InvalidArgument, [&] {
        const model::Object object(resource, std::string(text));
        const auto manifest = model::clean_manifest(object.json(), {"v1", "Thing"});
        // Cleaning what is clean changes nothing.
        if (model::clean_manifest(manifest, {"v1", "Thing"}) != manifest) {
            std::abort();
        }
        model::is_made_by_controller(object.json(), {"v1", "Thing"});
    });
    if (const auto document = find_json(text)) {
        may_refuse(ErrorCode::CorruptData, [&] {
            const auto ledger = model::ledger_from_json(*document);
            if (model::ledger_from_json(model::to_json(ledger)) != ledger) {
                std::abort();
            }
        });
    }
    return 0;
}
