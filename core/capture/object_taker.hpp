// SPDX-License-Identifier: Apache-2.0
// Takes one object into the findings: decides, stores its bytes, notes what it needs. No requests.
#pragma once

#include "core/capture/findings.hpp"
#include "core/capture/object_sink.hpp"
#include "core/capture/scope.hpp"

namespace backup::capture {

/// Why an object is looked at.
enum class Asked {
    ByScope,  // it was listed: the rules decide
    ByNeed,   // a stored object needs it
};

class ObjectTaker {
  public:
    /// Keeps references only.
    ObjectTaker(const Scope& scope, const Names& namespaces)
        : scope_(scope),
          namespaces_(namespaces) {}

    /// The services whose endpoints are generated; known once all services were listed.
    void set_selecting_services(const Names* services) { selecting_services_ = services; }

    /// True when the object was stored. Safe to call from many threads with findings and sinks of
    /// their own.
    bool take(const model::ApiResource& resource,
              const model::Object& object,
              Asked asked,
              ObjectSink& sink,
              Findings& findings) const;

  private:
    bool wants_references() const;
    void note_references(const model::Object& object, Findings& findings) const;

    const Scope& scope_;
    const Names& namespaces_;
    const Names* selecting_services_ = nullptr;
};

}  // namespace backup::capture
