// SPDX-License-Identifier: Apache-2.0
#include "core/model/object.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/model/json_scanner.hpp"

namespace backup::model {

Object::Object(const ApiResource& resource, std::string bytes) : bytes_(std::move(bytes)) {
    key_.resource = resource.name();
    for_each_member(bytes_, [this](std::string_view name, std::string_view value) {
        if (name == "metadata" && value != "null") {
            read_metadata(value);
        }
    });
    if (key_.name.empty()) {
        throw Error(ErrorCode::InvalidArgument,
                    concat("an object of ", key_.resource, " has no metadata.name"));
    }
}

void Object::read_metadata(std::string_view metadata) {
    for_each_member(metadata, [this](std::string_view name, std::string_view value) {
        if (name == "name") {
            key_.name = decode_string(value);
        } else if (name == "namespace") {
            key_.ns = decode_string(value);
        } else if (name == "uid") {
            uid_ = decode_string(value);
        } else if (name == "resourceVersion") {
            resource_version_ = decode_string(value);
        } else if (name == "deletionTimestamp") {
            is_terminating_ = value != "null";
        }
    });
}

const Json& Object::json() const {
    if (!json_) {
        json_ = parse_json(bytes_);
    }
    return *json_;
}

}  // namespace backup::model
