// SPDX-License-Identifier: Apache-2.0
// Makes a point whose pages lie, as whoever holds the key can: make_hostile_repository REPOSITORY
// KEY_FILE. Each directory of its volume is another lie; "z" is sound.
#include "core/backend/open_backend.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/base/json.hpp"
#include "core/model/ledger.hpp"
#include "core/repository/chunk_store.hpp"
#include "core/repository/page_codec.hpp"
#include "core/repository/page_encoder.hpp"
#include "core/repository/repository.hpp"
#include "core/repository/tree_builder.hpp"
#include "core/repository/writer.hpp"

#include <algorithm>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

namespace backup::testing {
namespace {

using content::ShortId;
using model::FileType;
using repository::DirectoryDraft;
using repository::EntryDraft;

EntryDraft entry(const std::string& name, FileType type) {
    EntryDraft draft;
    draft.attributes.name = name;
    draft.attributes.type = type;
    draft.attributes.mode = 0755;
    return draft;
}

EntryDraft text_file(const std::string& name, const std::string& text) {
    auto draft = entry(name, FileType::Regular);
    draft.attributes.size = text.size();
    draft.content.inline_bytes = text;
    return draft;
}

EntryDraft directory_at(const std::string& name, const ShortId& page) {
    auto draft = entry(name, FileType::Directory);
    draft.target.page = page;
    return draft;
}

EntryDraft file_of(const std::string& name, const ShortId& chunk, std::uint64_t size) {
    auto draft = entry(name, FileType::Regular);
    draft.attributes.size = size;
    draft.content.extents = {{chunk, size}};
    return draft;
}

class HostileTree {
  public:
    explicit HostileTree(repository::Writer& writer) : writer_(writer) {}

    ShortId put_volume() {
        return put({directory_at("attributes", put_shared_attributes()),
                    directory_at("deep", put_chain(5000)),
                    directory_at("names", put_bad_name()),
                    directory_at("sizes", put_impossible_sizes()),
                    directory_at("slices", put_overlapping_slices()),
                    directory_at("twice", put_doubling(40)),
                    text_file("z", "seen")});
    }

    /// `page` under the names of directories.
    ShortId put_below(const std::vector<std::string>& names, ShortId page) {
        for (auto name = names.rbegin(); name != names.rend(); ++name) {
            page = put({directory_at(*name, page)});
        }
        return page;
    }

    const std::vector<ShortId>& pages() const { return pages_; }

  private:
    static DirectoryDraft directory_of(std::vector<EntryDraft> entries) {
        DirectoryDraft draft;
        draft.all_entries = entries.size();
        for (const auto& each : entries) {
            draft.subdirectories += each.attributes.type == FileType::Directory ? 1U : 0U;
        }
        draft.entries = std::move(entries);
        return draft;
    }

    ShortId put_page(ByteView bytes) {
        const auto id = writer_.add_chunk(content::ChunkKind::Page, bytes).short_id();
        pages_.push_back(id);
        return id;
    }

    ShortId put(std::vector<EntryDraft> entries) {
        const auto draft = directory_of(std::move(entries));
        return put_page(repository::encode_page({&draft}));
    }

    /// A thousand files that share one attribute of a megabyte.
    ShortId put_shared_attributes() {
        constexpr int kFiles = 1000;
        constexpr std::size_t kAttributesOfEntry = 68;
        std::vector<EntryDraft> files;
        for (int i = 0; i < kFiles; ++i) {
            files.push_back(text_file(std::to_string(10'000 + i), "x"));
        }
        files[0].attributes.xattrs = {{"user.long", std::string(65'536, 'x')}};
        const auto draft = directory_of(std::move(files));
        auto page = repository::encode_page({&draft});
        auto* const first = page.data() + repository::kPageHeaderBytes +
                            repository::kDirectoryBytes + kAttributesOfEntry;
        for (std::size_t i = 1; i < kFiles; ++i) {
            std::copy_n(first, 4, first + i * repository::kEntryBytes);
        }
        return put_page(page);
    }

    ShortId put_chain(int length) {
        auto page = put({text_file("end", "x")});
        for (int i = 0; i < length; ++i) {
            page = put({directory_at("d", page)});
        }
        return page;
    }

    ShortId put_bad_name() {
        const auto draft = directory_of({text_file("abcd", "text")});
        auto page = repository::encode_page({&draft});
        const auto name = as_bytes("abcd");
        const auto found = std::search(page.begin(), page.end(), name.begin(), name.end());
        std::copy_n(as_bytes("x/..").begin(), name.size(), found);
        return put_page(page);
    }

    ShortId put_impossible_sizes() {
        const auto few = writer_.add_chunk(content::ChunkKind::Data, Bytes(10)).short_id();
        ShortId missing;
        missing.bytes.fill(std::byte{7});
        return put({file_of("hole", {}, std::uint64_t{1} << 63U),
                    file_of("missing", missing, std::uint64_t{1} << 62U),
                    file_of("short", few, 1000),
                    text_file("z", "seen")});
    }

    /// A link and a directory of one name, in two slices: neither can see the other.
    ShortId put_overlapping_slices() {
        auto link = entry("a", FileType::Symlink);
        link.attributes.link_target = "/etc";
        const auto first = put({link, text_file("c", "d")});
        const auto second =
            put({directory_at("a", put({text_file("passwd", "x")})), text_file("z", "seen")});
        DirectoryDraft sliced;
        sliced.slices.push_back({"a", {first, 0}, 2, 0});
        sliced.slices.push_back({"b", {second, 0}, 2, 1});
        sliced.all_entries = 4;
        sliced.subdirectories = 1;
        return put_page(repository::encode_page({&sliced}));
    }

    /// Each directory leads to the next one by two names: 2^levels paths.
    ShortId put_doubling(int levels) {
        auto page = put({text_file("x", "y")});
        for (int i = 0; i < levels; ++i) {
            page = put({directory_at("a", page), directory_at("b", page)});
        }
        return page;
    }

    repository::Writer& writer_;
    std::vector<ShortId> pages_;
};

void make(const std::string& location, const std::string& key_file) {
    SystemRandom random;
    SystemClock clock;
    const auto backend = backend::open_backend(location);
    const auto fresh = repository::make_new_repository(random);
    write_file_atomically(key_file, as_bytes(repository::format_key_file(fresh.key_file)));
    repository::init_repository(*backend, fresh, {}, std::nullopt, random, clock);
    repository::Secret secret;
    secret.key_file = fresh.key_file;
    const auto opened = repository::open_repository(*backend, secret);
    repository::ChunkStore chunks(opened);
    repository::Writer writer(opened, chunks, random, clock);
    HostileTree tree(writer);
    repository::PointRecord record;
    record.root = {tree.put_below({"volumes", "shop", "data"}, tree.put_volume()), 0};
    record.pages = writer.add_stream(repository::encode_page_table(tree.pages()));
    record.ledger = writer.add_stream(as_bytes(format_json(model::to_json(model::Ledger{}))));
    record.point.name = "hostile";
    record.point.created = clock.now();
    record.point.namespaces = {"shop"};
    // More of them than there are: no walk is to end because it was told of too many.
    record.point.statistics.files = std::uint64_t{1} << 40U;
    record.point.statistics.directories = std::uint64_t{1} << 40U;
    writer.commit(std::move(record));
}

}  // namespace
}  // namespace backup::testing

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "usage: make_hostile_repository REPOSITORY KEY_FILE\n";
        return 2;
    }
    backup::testing::make(argv[1], argv[2]);
    return 0;
}
