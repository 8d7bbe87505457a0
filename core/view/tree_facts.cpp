// SPDX-License-Identifier: Apache-2.0
#include "core/view/tree_facts.hpp"

#include "core/base/error.hpp"
#include "core/base/task_group.hpp"
#include "core/view/inode_numbers.hpp"

#include <algorithm>
#include <set>
#include <string_view>

namespace backup::view {
namespace {

using repository::TreeEntry;

// Pages that refer to the same page again and again would keep it busy for ever.
constexpr std::uint64_t kMostEntries = std::uint64_t{1} << 28U;
constexpr std::string_view kAccessListPrefix = "system.posix_acl_";

class Survey {
  public:
    explicit Survey(repository::TreeReader& reader) : reader_(reader) {}

    TreeFacts make(const TreeEntry& root) {
        add(root);
        while (!directories_.empty()) {
            const auto directory = directories_.back();
            directories_.pop_back();
            const auto problem = failure_of([&] {
                reader_.list(directory, 0, [this](const TreeEntry& entry) {
                    add(entry);
                    return true;
                });
            });
            if (problem && problem->code() != ErrorCode::CorruptData) {
                throw Error(*problem);
            }
        }
        auto& names = facts_.first_names;
        std::sort(names.begin(), names.end());
        names.erase(std::unique(names.begin(),
                                names.end(),
                                [](const auto& a, const auto& b) { return a.first == b.first; }),
                    names.end());
        return std::move(facts_);
    }

  private:
    void add(const TreeEntry& entry) {
        if (++entries_ > kMostEntries) {
            throw Error(ErrorCode::Unsupported, "a volume has too many entries to be surveyed");
        }
        const auto& attributes = entry.attributes;
        if (attributes.type == model::FileType::Directory) {
            if (seen_.emplace(entry.directory.page, entry.directory.slot).second) {
                directories_.push_back(entry.directory);
            }
        } else if (attributes.has_link_group && !fits_link_group(attributes.inode)) {
            facts_.first_names.emplace_back(attributes.inode, entry.position);
        }
        for (const auto& xattr : attributes.xattrs) {
            facts_.has_access_lists |= xattr.name.starts_with(kAccessListPrefix);
        }
    }

    repository::TreeReader& reader_;
    std::vector<repository::DirectoryRef> directories_;
    std::set<std::pair<content::ShortId, std::uint32_t>> seen_;
    std::uint64_t entries_ = 0;
    TreeFacts facts_;
};

}  // namespace

std::uint64_t TreeFacts::first_name_of(std::uint64_t source_inode, std::uint64_t otherwise) const {
    const auto at =
        std::lower_bound(first_names.begin(), first_names.end(), std::pair(source_inode, 0UL));
    return at != first_names.end() && at->first == source_inode ? at->second : otherwise;
}

TreeFacts survey_tree(repository::TreeReader& reader, const TreeEntry& root) {
    return Survey(reader).make(root);
}

}  // namespace backup::view
