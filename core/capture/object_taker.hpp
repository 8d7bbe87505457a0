// SPDX-License-Identifier: Apache-2.0
// Takes one object into the findings: decides, stores its bytes, notes what it needs. No requests.
#pragma once

#include "core/capture/decision.hpp"
#include "core/capture/findings.hpp"
#include "core/capture/kind_versions.hpp"
#include "core/capture/namespaces.hpp"
#include "core/capture/object_sink.hpp"
#include "core/capture/scope.hpp"

#include <functional>

namespace backup::capture {

/// Why an object is looked at.
enum class Asked {
    ByScope,  // it was listed: the rules decide
    ByNeed,   // a stored object needs it
};

struct Asking {
    Asked asked = Asked::ByScope;
    Edge edge = {};  // why it is needed, with ByNeed
};

class ObjectTaker {
  public:
    /// Keeps references only.
    ObjectTaker(const Scope& scope, const ChosenNamespaces& namespaces)
        : scope_(scope),
          namespaces_(namespaces) {}

    /// Without it, stored objects get no version mark.
    void set_kind_versions(const KindVersions* versions) { versions_ = versions; }

    /// The services whose endpoints are generated; known once all services were listed.
    void set_selecting_services(const Names* services) { selecting_services_ = services; }

    /// True when the object was stored. Safe to call from many threads with findings and sinks of
    /// their own.
    bool take(const model::ApiResource& resource,
              const model::Object& object,
              const Asking& asking,
              ObjectSink& sink,
              Findings& findings) const;

    /// The same for an object whose bytes are in the repository. `object` may be its metadata alone
    /// unless needs_body() is true for its kind.
    bool take_over(const model::ApiResource& resource,
                   const model::Object& object,
                   const Asking& asking,
                   const StoredObject& stored,
                   Findings& findings) const;

    /// Whether take() would leave the object out, told from its metadata.
    bool is_out(const model::ApiResource& resource,
                const model::Object& object,
                const Asking& asking) const;

    /// Whether more than the metadata of such objects is looked at.
    bool needs_body(const model::ApiResource& resource) const;

    /// Whether that holds for objects that are left out too: they may belong to stored ones.
    bool needs_body_of_all(const model::ApiResource& resource) const;

  private:
    using Store = std::function<void(StoredObject& stored)>;

    bool admit(const model::ApiResource& resource,
               const model::Object& object,
               const Asking& asking,
               Findings& findings,
               const Store& store) const;
    Decision judge(const model::ApiResource& resource,
                   const ObjectFacts& facts,
                   const Asking& asking) const;
    bool wants_references() const;
    void note_references(const model::Object& object, Findings& findings) const;
    void note_candidate(const model::Object& object,
                        const Decision& decision,
                        Findings& findings) const;

    const Scope& scope_;
    const ChosenNamespaces& namespaces_;
    const Names* selecting_services_ = nullptr;
    const KindVersions* versions_ = nullptr;
};

}  // namespace backup::capture
