// SPDX-License-Identifier: Apache-2.0
// Writes what a view shows (a volume, a directory of it, one file, rendered manifests) into a sink.
// Knows nothing of where the sink is.
#pragma once

#include "core/base/progress.hpp"
#include "core/restore/copy_content.hpp"
#include "core/view/directory_trail.hpp"
#include "core/view/node.hpp"
#include "core/volume/tree_sink.hpp"

#include <map>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace backup::volume {
class DirectorySink;
}

namespace backup::restore {

class FileCrew;

class TreeWriter {
  public:
    TreeWriter(volume::TreeSink& sink, std::stop_token stop, Progress* progress = nullptr)
        : sink_(sink),
          stop_(std::move(stop)),
          progress_(progress) {}

    /// The crew writes the files, as far as they do not depend on each other; `sink` is the one
    /// this was made with. Both must outlive this.
    void share_files(volume::DirectorySink& sink, FileCrew& crew);

    /// From here on the content of files is not read: the sink gets holes of their size instead.
    void leave_out_content() { has_content_ = false; }

    /// The directory becomes the root of the sink.
    void write_root(const view::NodePointer& directory);
    /// The root of the sink is a directory without attributes that holds `node` under `name`.
    void write_alone(const view::NodePointer& node, const std::string& name);
    /// Finishes the sink; what the backup lacked is among the problems.
    volume::SinkResult finish();

  private:
    struct Level {
        view::NodePointer directory;
        std::vector<std::pair<std::string, view::NodePointer>> window;
        std::size_t next = 0;
        std::uint64_t following = 0;
        bool is_at_end = false;
        std::size_t path_bytes = 0;
    };

    /// The number in the view and that at the source: the first tells volumes apart, but large
    /// numbers are folded in it.
    using LinkKey = std::pair<std::uint64_t, std::uint64_t>;

    struct FirstName {
        std::string path;
        std::uint32_t names_left = 0;
    };

    static std::uint64_t cost_of(const FirstName& first) { return first.path.size() + 128; }

    void descend();
    void enter(const view::NodePointer& directory, model::FileEntry entry);
    bool fill_window(Level& level);
    void write_node(const view::NodePointer& node, const std::string& name);
    void keep_first_name(const LinkKey& key, const model::FileEntry& entry);
    bool write_as_link(view::Node& node, const model::FileEntry& entry);
    void write_file(view::Node& node, const model::FileEntry& entry);
    bool hand_over(const view::NodePointer& node, const model::FileEntry& entry);
    std::string path_of(std::string_view name) const;

    volume::TreeSink& sink_;
    std::stop_token stop_;
    Progress* progress_;
    volume::DirectorySink* directory_sink_ = nullptr;
    FileCrew* crew_ = nullptr;
    bool has_content_ = true;
    view::DirectoryTrail trail_;
    std::vector<Level> levels_;
    std::string path_;
    std::map<LinkKey, FirstName> links_;
    std::uint64_t link_bytes_ = 0;
    volume::SinkResult lacking_;  // only its problems
    view::ContentReading reading_;
};

}  // namespace backup::restore
