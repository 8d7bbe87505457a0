// SPDX-License-Identifier: Apache-2.0
#include "core/capture/point_tree.hpp"

#include "core/repository/tree_builder.hpp"
#include "core/repository/tree_names.hpp"

#include <map>
#include <string_view>

namespace backup::capture {

namespace {

class PointTreeBuilder {
  public:
    PointTreeBuilder(repository::Writer& writer, const PointParts& parts)
        : builder_(writer),
          parts_(parts) {}

    repository::BuiltTree build() {
        begin({});
        begin(repository::kExtraDirectory);
        add_outputs();
        add_file(repository::kResourcesFile, parts_.resources);
        add_rules();
        builder_.end_directory();
        add_objects();
        add_volumes();
        builder_.end_directory();
        return builder_.finish();
    }

  private:
    void begin(std::string_view name) {
        model::FileEntry entry;
        entry.name = name;
        entry.type = model::FileType::Directory;
        entry.mode = 0755;
        entry.mtime_ns = parts_.time_ns;
        builder_.begin_directory(entry);
    }

    void add_file(std::string_view name, const StoredObject& file) {
        model::FileEntry entry;
        entry.name = name;
        entry.mode = 0644;
        entry.size = file.bytes;
        entry.mtime_ns = file.created_ns;
        entry.ctime_ns = file.created_ns;
        entry.inode = file.version_mark;
        builder_.add(entry, file.content);
    }

    void add_rules() {
        const auto& rules = parts_.rules;
        if (!rules.namespaces.empty()) {
            begin(kRulesDirectory);
            for (const auto& [name, file] : rules.namespaces) {
                add_file(name, file);
            }
            builder_.end_directory();
        }
        if (rules.cluster) {
            add_file(kRulesFile, *rules.cluster);
        }
    }

    void add_resources(const ObjectsByResource& resources) {
        for (const auto& [resource, objects] : resources) {
            begin(resource);
            objects.for_each([this](const std::string& name, const StoredObject& object) {
                add_file(name, object);
            });
            builder_.end_directory();
        }
        builder_.end_directory();
    }

    void add_objects() {
        if (parts_.objects.empty()) {
            return;
        }
        begin(repository::kObjectsDirectory);
        auto ns = parts_.objects.begin();
        if (ns->first.empty()) {
            begin(repository::kClusterDirectory);
            add_resources(ns->second);
            ++ns;
        }
        if (ns != parts_.objects.end()) {
            begin(repository::kNamespacesDirectory);
            for (; ns != parts_.objects.end(); ++ns) {
                begin(repository::escape_name(ns->first));
                add_resources(ns->second);
            }
            builder_.end_directory();
        }
        builder_.end_directory();
    }

    void add_outputs() {
        std::map<std::string, std::map<std::string, const CommandOutput*>> sorted;
        for (const auto& output : parts_.outputs) {
            sorted[repository::escape_name(output.ns)][repository::escape_name(output.name)] =
                &output;
        }
        if (sorted.empty()) {
            return;
        }
        begin(repository::kCommandsDirectory);
        for (const auto& [ns, files] : sorted) {
            begin(ns);
            for (const auto& [name, output] : files) {
                add_file(name, {output->time_ns, output->bytes, output->content});
            }
            builder_.end_directory();
        }
        builder_.end_directory();
    }

    void add_volumes() {
        std::map<std::string, std::map<std::string, const CapturedVolume*>> sorted;
        for (const auto& volume : parts_.volumes) {
            if (volume.captured) {
                sorted[repository::escape_name(volume.record.name_space)]
                      [repository::escape_name(volume.record.claim)] = &*volume.captured;
            }
        }
        if (sorted.empty()) {
            return;
        }
        begin(repository::kVolumesDirectory);
        for (const auto& [ns, claims] : sorted) {
            begin(ns);
            for (const auto& [claim, volume] : claims) {
                add_volume(builder_, claim, *volume);
            }
            builder_.end_directory();
        }
        builder_.end_directory();
    }

    repository::TreeBuilder builder_;
    const PointParts& parts_;
};

Json texts(const std::vector<std::string>& values) {
    return Json::Array(values.begin(), values.end());
}

}  // namespace

repository::BuiltTree build_point_tree(repository::Writer& writer, const PointParts& parts) {
    return PointTreeBuilder(writer, parts).build();
}

Json describe_resources(const std::vector<model::ApiResource>& resources) {
    std::map<std::string, const model::ApiResource*> sorted;
    for (const auto& resource : resources) {
        sorted[resource.name()] = &resource;
    }
    Json list = Json::array();
    for (const auto& [name, resource] : sorted) {
        list.push_back(Json::object({{"group", resource->group},
                                     {"version", resource->version},
                                     {"kind", resource->kind},
                                     {"plural", resource->plural},
                                     {"singular", resource->singular},
                                     {"shortNames", texts(resource->short_names)},
                                     {"namespaced", resource->namespaced},
                                     {"verbs", texts(resource->verbs)}}));
    }
    return list;
}

}  // namespace backup::capture
