// SPDX-License-Identifier: Apache-2.0
// A tree of pages that come from the input, each behind its length (u16). Page n has the id n, so
// pages can refer to each other and to themselves, as no tree made of hashes can.
#include "core/base/error.hpp"
#include "core/repository/page_cache.hpp"
#include "core/repository/tree_reader.hpp"

#include <algorithm>
#include <cstdlib>
#include <set>

namespace {

using namespace backup;
using namespace backup::repository;

constexpr std::size_t kMostDirectories = 200;
constexpr std::uint64_t kMostEntries = 2000;
constexpr std::size_t kPiece = 4096;

class InputPages : public PageSource {
  public:
    explicit InputPages(ByteView input) {
        while (input.size() >= 2) {
            const auto length =
                std::min<std::size_t>(load_le<std::uint16_t>(input.data()), input.size() - 2);
            pages_.push_back(input.subspan(2, length));
            input = input.subspan(2 + length);
        }
    }

    Bytes get(const content::ShortId& id) override {
        const auto number = std::to_integer<std::size_t>(id.bytes[0]);
        if (number >= pages_.size()) {
            throw Error(ErrorCode::CorruptData, "no such page");
        }
        return to_bytes(pages_[number]);
    }

    void get_range(const ChunkPiece& piece, std::span<std::byte> out) override {
        const auto bytes = get(piece.chunk);
        const auto offset = piece.offset;
        if (offset > bytes.size() || out.size() > bytes.size() - offset) {
            throw Error(ErrorCode::CorruptData, "a chunk is too short");
        }
        std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
    }

  private:
    std::vector<ByteView> pages_;
};

template <typename Action>
void expect_refusal_or_success(Action action) {
    try {
        action();
    } catch (const Error& error) {
        if (error.code() != ErrorCode::CorruptData && error.code() != ErrorCode::Io) {
            std::abort();
        }
    }
}

void look_at(TreeReader& reader, const TreeEntry& entry) {
    if (entry.attributes.type != model::FileType::Regular) {
        return;
    }
    expect_refusal_or_success([&] { reader.allocated_bytes(entry); });
    Bytes piece(kPiece);
    expect_refusal_or_success([&] {
        for (std::uint64_t offset = 0; offset < 4 * kPiece;) {
            const auto count = reader.read(entry, offset, piece);
            if (count == 0) {
                break;
            }
            offset += count;
        }
    });
    expect_refusal_or_success([&] { reader.collect(entry, entry.attributes.size / 2, kPiece); });
    expect_refusal_or_success([&] { reader.seek_data(entry, 1); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    TreeReader reader(
        std::make_shared<InputPages>(std::as_bytes(std::span(data, size))), DirectoryRef{}, {});
    std::set<std::pair<content::ShortId, std::uint32_t>> seen;
    std::vector<DirectoryRef> ahead{reader.root()};
    while (!ahead.empty() && seen.size() < kMostDirectories) {
        const auto directory = ahead.back();
        ahead.pop_back();
        if (!seen.emplace(directory.page, directory.slot).second) {
            continue;
        }
        std::string last;
        std::uint64_t count = 0;
        expect_refusal_or_success([&] {
            reader.list(directory, 0, [&](const TreeEntry& entry) {
                if (entry.attributes.name <= last) {
                    std::abort();
                }
                last = entry.attributes.name;
                const auto found = reader.find(directory, last);
                if (!found || found->index != entry.index || found->page != entry.page) {
                    std::abort();
                }
                look_at(reader, entry);
                if (entry.attributes.type == model::FileType::Directory) {
                    ahead.push_back(entry.directory);
                }
                return ++count < kMostEntries;
            });
            if (count < kMostEntries && count != reader.summarize(directory).entries) {
                std::abort();
            }
        });
    }
    return 0;
}
