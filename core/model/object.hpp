// SPDX-License-Identifier: Apache-2.0
// One Kubernetes object exactly as the API server sent it, with the few fields everybody needs.
// Items of a list carry no apiVersion and kind; that stays so (the ApiResource knows them).
#pragma once

#include "core/base/json.hpp"
#include "core/model/api_resource.hpp"
#include "core/model/object_key.hpp"

#include <optional>
#include <string>

namespace backup::model {

class Object {
  public:
    /// Takes the bytes of one item; throws InvalidArgument when they are no object with a name.
    Object(const ApiResource& resource, std::string bytes);

    const ObjectKey& key() const { return key_; }

    const std::string& uid() const { return uid_; }

    const std::string& resource_version() const { return resource_version_; }

    /// It has a deletionTimestamp.
    bool is_terminating() const { return is_terminating_; }

    const std::string& bytes() const { return bytes_; }

    /// Parsed at the first call (so not from two threads at once); throws InvalidArgument.
    const Json& json() const;

    bool operator==(const Object& other) const {
        return key_ == other.key_ && bytes_ == other.bytes_;
    }

  private:
    void read_metadata(std::string_view metadata);

    ObjectKey key_;
    std::string uid_;
    std::string resource_version_;
    bool is_terminating_ = false;
    std::string bytes_;
    mutable std::optional<Json> json_;
};

}  // namespace backup::model
