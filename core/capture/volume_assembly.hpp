// SPDX-License-Identifier: Apache-2.0
// Puts a volume's tree together: entries come in tree order, the content of some of them later and
// in any order. Memory: the entries behind the first one that still waits, within the mover's
// window.
#pragma once

#include "core/base/progress.hpp"
#include "core/model/ledger.hpp"
#include "core/repository/tree_builder.hpp"
#include "core/volume/protocol.hpp"

#include <deque>
#include <optional>
#include <unordered_map>

namespace backup::capture {

class VolumeAssembly {
  public:
    VolumeAssembly(repository::TreeBuilder& builder,
                   model::VolumeRecord& record,
                   Progress* progress,
                   std::uint32_t inline_limit_bytes)
        : builder_(builder),
          record_(record),
          progress_(progress),
          inline_limit_bytes_(inline_limit_bytes) {}

    // In tree order.
    void begin_directory(volume::EntryItem item);
    void end_directory();
    /// Content is known (taken over, or there is none).
    void add(volume::EntryItem item, repository::FileContent content);
    /// Content comes with add_content() under this number.
    void add_waiting(volume::EntryItem item, std::uint64_t number);
    /// The content is that of the file with number item.same_as.
    void add_link(volume::EntryItem item);

    /// Entries with several names are known under their number from here on.
    void number_last(std::uint64_t number) { items_.back().number = number; }

    void end_batch();

    // For files that wait; throws CorruptData when the mover contradicts itself.
    void begin_file(std::uint64_t number);
    void add_chunk(const content::ShortId& id, std::uint64_t length);
    void add_hole(std::uint64_t length);
    void add_inline(std::string bytes);
    void end_file(const volume::FileEnd& end);

    /// Hands everything that is complete to the builder; returns the number of batches that are
    /// done in all.
    std::uint64_t drain();

    /// The root was ended and all content is there.
    bool is_complete() const { return is_root_done_ && items_.empty(); }

    const model::FileEntry& root() const { return root_; }

    /// Of a volume whose root is one file.
    const repository::FileContent& root_content() const { return root_content_; }

    void add_unreadable(std::string path, std::string_view reason);

  private:
    enum class Kind { Begin, End, File, BatchEnd };

    struct Item {
        Kind kind = Kind::File;
        std::uint64_t number = 0;
        model::FileEntry entry;
        std::optional<std::uint64_t> same_as;
        std::string problem;
        bool is_waiting = false;
        bool is_begun = false;
        bool is_gone = false;
        repository::FileContent content;
    };

    struct SharedContent {
        model::FileEntry entry;
        std::string problem;
        repository::FileContent content;
        std::uint32_t names_left = 0;
    };

    Item& push(Kind kind, volume::EntryItem item);
    Item& current();
    void extend(const content::ShortId& id, std::uint64_t length);
    void finish(Item& item);
    void finish_file(Item& item);
    void take_from_group(Item& item);
    std::string path_of(std::string_view name) const;

    repository::TreeBuilder& builder_;
    model::VolumeRecord& record_;
    Progress* progress_;
    std::uint32_t inline_limit_bytes_;
    std::deque<Item> items_;
    std::unordered_map<std::uint64_t, Item*> waiting_;  // deques never move what they hold
    Item* current_ = nullptr;
    std::unordered_map<std::uint64_t, SharedContent> groups_;
    std::uint64_t batches_done_ = 0;
    std::string path_;  // of the directory open in the builder
    std::vector<std::size_t> path_lengths_;
    model::FileEntry root_;
    repository::FileContent root_content_;
    bool is_root_done_ = false;
    std::size_t open_directories_ = 0;     // as received
    std::vector<std::string> last_names_;  // of each open directory, as received
    bool is_root_received_ = false;
};

}  // namespace backup::capture
