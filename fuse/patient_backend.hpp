// SPDX-License-Identifier: Apache-2.0
// A backend whose every call asks for patience first: on a thread that must not wait (core/base/
// patience.hpp) it throws at once.
#pragma once

#include "core/backend/forwarding_backend.hpp"
#include "core/base/patience.hpp"

namespace backup::fuse {

class PatientBackend : public backend::ForwardingBackend {
  public:
    using ForwardingBackend::ForwardingBackend;

  protected:
    void pass(backend::StorageCall /*call*/,
              std::string_view /*blob*/,
              const std::function<void()>& effect) override {
        need_patience();
        effect();
    }
};

}  // namespace backup::fuse
