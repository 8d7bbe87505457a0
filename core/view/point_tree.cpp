// SPDX-License-Identifier: Apache-2.0
#include "core/view/point_tree.hpp"

#include "core/base/error.hpp"
#include "core/base/json.hpp"
#include "core/base/text.hpp"
#include "core/repository/page_store.hpp"
#include "core/repository/tree_names.hpp"
#include "core/view/inode_numbers.hpp"

#include <limits>

namespace backup::view {
namespace {

// etcd refuses values of more than 1.5 MiB by default; some clusters allow more.
constexpr std::uint64_t kLargestObject = 64U << 20U;
constexpr std::uint64_t kFactsBytes = 16U << 20U;

std::optional<repository::TreeEntry> find_in(repository::TreeReader& reader,
                                             std::initializer_list<std::string_view> path) {
    repository::TreeEntry here;
    here.directory = reader.root();
    here.attributes.type = model::FileType::Directory;
    for (const auto name : path) {
        if (here.attributes.type != model::FileType::Directory) {
            return std::nullopt;
        }
        auto next = reader.find(here.directory, name);
        if (!next) {
            return std::nullopt;
        }
        here = std::move(*next);
    }
    return here;
}

std::string read_whole(repository::TreeReader& reader, const repository::TreeEntry& file) {
    if (file.attributes.size > kLargestObject) {
        throw Error(ErrorCode::CorruptData,
                    concat(printable(file.attributes.name),
                           ": an object of ",
                           file.attributes.size,
                           " bytes cannot be"));
    }
    std::string text(file.attributes.size, '\0');
    reader.read(file, 0, std::as_writable_bytes(std::span(text.data(), text.size())));
    return text;
}

std::map<std::string, model::ManifestType, std::less<>> read_types(repository::TreeReader& reader) {
    std::map<std::string, model::ManifestType, std::less<>> types;
    const auto file = find_in(reader, {repository::kExtraDirectory, repository::kResourcesFile});
    if (!file) {
        return types;
    }
    const auto resources = parse_json(read_whole(reader, *file));
    for (const auto& resource : resources.items()) {
        const auto group = resource.text_at({"group"});
        const auto version = resource.text_at({"version"});
        const auto plural = resource.text_at({"plural"});
        types[group.empty() ? plural : concat(plural, ".", group)] = {
            group.empty() ? version : concat(group, "/", version), resource.text_at({"kind"})};
    }
    return types;
}

constexpr std::uint64_t kBytesSlack = 64U << 20U;

// No writer ever counted less than half of what it stored.
std::uint64_t most_of(std::uint64_t counted, std::uint64_t slack) {
    constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
    return counted > (kMost - slack) / 2 ? kMost : 2 * counted + slack;
}

std::uint64_t most_entries(const model::PointStatistics& counted) {
    const auto sum = counted.files + counted.directories;
    return most_of(sum < counted.files ? std::numeric_limits<std::uint64_t>::max() : sum, 1000);
}

}  // namespace

ViewState::ViewState(repository::ChunkStore& chunk_store, ViewOptions view_options)
    : chunks(chunk_store),
      options(std::move(view_options)),
      pages(std::make_shared<repository::PageCache>(repository::make_page_source(chunk_store),
                                                    options.page_cache_bytes)),
      texts(options.text_cache_bytes),
      text_sizes(200'000),
      indexes(16U << 20U),
      facts_(std::make_shared<LruCache<TreeFacts>>(kFactsBytes)) {}

std::shared_ptr<const TreeFacts> TreePart::get_facts() const {
    auto facts = find_facts();
    if (facts == nullptr) {
        facts = std::make_shared<const TreeFacts>(survey_tree(*reader, root));
        constexpr std::uint64_t kOverhead = 128;
        known_facts->put(
            number,
            facts,
            kOverhead + facts->first_names.size() * sizeof(facts->first_names.front()));
    }
    return facts;
}

std::shared_ptr<const TreePart> ViewState::get_part(
    std::uint64_t key,
    const std::shared_ptr<repository::TreeReader>& reader,
    const repository::TreeEntry& root,
    const model::PointStatistics& counted) {
    constexpr std::uint32_t kNumbers = (1U << kPartBits) - 1;
    auto parts = parts_.lock();
    auto& part = parts->by_key[key];
    if (part == nullptr) {
        if (parts->by_number.size() >= kNumbers / 2) {
            throw Error(ErrorCode::Unsupported, "too many volumes in one view");
        }
        auto number = static_cast<std::uint32_t>(key % kNumbers);
        while (parts->by_number.contains(number + 1)) {
            number = (number + 1) % kNumbers;
        }
        part = std::make_shared<const TreePart>(TreePart{reader,
                                                         number + 1,
                                                         root,
                                                         facts_,
                                                         most_entries(counted),
                                                         counted.bytes,
                                                         most_of(counted.bytes, kBytesSlack)});
        parts->by_number.emplace(part->number, part);
    }
    return part;
}

std::shared_ptr<const TreePart> ViewState::find_part(std::uint32_t number) {
    auto parts = parts_.lock();
    const auto found = parts->by_number.find(number);
    return found == parts->by_number.end() ? nullptr : found->second;
}

// Not locked while it reads, which may take long: of two threads that read the same, the first
// one's stays.
std::shared_ptr<const PointTree::Opened> PointTree::open() {
    if (auto known = *opened_.lock()) {
        return known;
    }
    auto read = with_context([&] { return concat("point ", record_.point.name); },
                             [&] {
                                 Opened fresh;
                                 fresh.reader = repository::TreeReader::open(
                                     state_->chunks, state_->pages, record_);
                                 fresh.types = read_types(*fresh.reader);
                                 return std::make_shared<const Opened>(std::move(fresh));
                             });
    auto opened = opened_.lock();
    if (*opened == nullptr) {
        *opened = std::move(read);
    }
    return *opened;
}

repository::TreeReader& PointTree::reader() {
    return *open()->reader;
}

std::optional<repository::TreeEntry> PointTree::find(std::initializer_list<std::string_view> path) {
    return find_in(reader(), path);
}

std::shared_ptr<const TreePart> PointTree::get_part(std::string_view name,
                                                    const repository::TreeEntry& root) {
    return state_->get_part(hash_text(name, hash_text(record_.point.id)),
                            open()->reader,
                            root,
                            record_.point.statistics);
}

model::ManifestType PointTree::type_of(std::string_view resource) {
    const auto opened = open();
    const auto known = opened->types.find(resource);
    return known == opened->types.end() ? model::ManifestType{} : known->second;
}

std::string PointTree::read_object(const repository::TreeEntry& object) {
    return read_whole(reader(), object);
}

}  // namespace backup::view
