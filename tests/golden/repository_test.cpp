// SPDX-License-Identifier: Apache-2.0
// Repositories that were written by earlier versions can be read in full.
#include "core/backend/directory_backend.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/base/json.hpp"
#include "core/base/text.hpp"
#include "core/maintenance/verify.hpp"
#include "core/repository/point_store.hpp"
#include "core/repository/tree_reader.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/golden.hpp"

#include <filesystem>

using namespace backup;
using namespace backup::maintenance;
using namespace backup::repository;

namespace {

const std::string kGolden = BACKUP_GOLDEN_DIR;

// Of a larger directory the text holds a hash only.
constexpr std::size_t kMostShown = 100;

/// A short proof of what a file holds; of a huge sparse one both ends of its hole.
std::string describe_content(TreeReader& tree, const TreeEntry& entry) {
    constexpr std::uint64_t large = 1U << 20U;
    const auto size = entry.attributes.size;
    if (entry.attributes.content_unreadable) {
        return "unreadable";
    }
    if (size <= large) {
        Bytes bytes(size);
        const auto count = tree.read(entry, 0, bytes);
        return concat(count, " bytes ", to_hex(content::sha256(bytes)).substr(0, 16));
    }
    const auto hole = tree.seek_hole(entry, 0);
    const auto data = tree.seek_data(entry, hole);
    Bytes begin(hole);
    Bytes end(size - data.value_or(size));
    tree.read(entry, 0, begin);
    tree.read(entry, data.value_or(size), end);
    append(begin, end);
    return concat("hole ",
                  hole,
                  " to ",
                  data.value_or(size),
                  " of ",
                  size,
                  " bytes ",
                  to_hex(content::sha256(begin)).substr(0, 16));
}

std::string describe(TreeReader& tree, const std::string& path, const TreeEntry& entry) {
    const auto& file = entry.attributes;
    auto text = concat(printable(path),
                       " type ",
                       static_cast<int>(file.type),
                       " mode ",
                       file.mode,
                       " owner ",
                       file.uid,
                       ":",
                       file.gid,
                       " mtime ",
                       file.mtime_ns,
                       " ctime ",
                       file.ctime_ns,
                       " links ",
                       file.link_count,
                       " inode ",
                       file.inode);
    if (file.type == model::FileType::Regular) {
        text += " " + describe_content(tree, entry);
    }
    if (!file.link_target.empty()) {
        text += " to " + printable(file.link_target);
    }
    if (file.device_major != 0) {
        text += concat(" device ", file.device_major, ":", file.device_minor);
    }
    if (file.has_link_group || file.changed_while_read || file.is_racy) {
        text += concat(" flags ", file.has_link_group, file.changed_while_read, file.is_racy);
    }
    for (const auto& xattr : file.xattrs) {
        text += concat(" ", xattr.name, "=", to_hex(as_bytes(xattr.value)));
    }
    return text + "\n";
}

void describe_directory(TreeReader& tree,
                        const DirectoryRef& directory,
                        const std::string& prefix,
                        std::string& out) {
    std::vector<TreeEntry> entries;
    tree.list(directory, 0, [&entries](const TreeEntry& entry) {
        entries.push_back(entry);
        return true;
    });
    std::string text;
    for (const auto& entry : entries) {
        const auto path = prefix + "/" + entry.attributes.name;
        text += describe(tree, path, entry);
        if (entry.attributes.type == model::FileType::Directory) {
            describe_directory(tree, entry.directory, path, text);
        }
    }
    if (entries.size() > kMostShown) {
        text = concat(entries.size(), " entries ", to_hex(content::sha256(as_bytes(text))), "\n");
    }
    out += text;
}

void check_repository(const std::string& name) {
    backend::DirectoryBackend backend(std::filesystem::path(kGolden) / name);
    Secret secret;
    secret.key_file = parse_key_file(as_text(read_file(kGolden + "/" + name + ".key")));
    const auto repository = open_repository(backend, secret);
    Secret passphrase;
    passphrase.passphrase = "golden";
    CHECK(open_repository(backend, passphrase).keys().data == repository.keys().data);

    NullProgress progress;
    const auto result = verify_repository(repository, {.level = VerifyLevel::ReadData}, progress);
    CHECK(result.problems.empty());
    CHECK(result.points == 2);

    ChunkStore chunks(repository);
    std::string text;
    for (const auto& record : list_points(repository)) {
        text += format_json_pretty(model::to_json(record.point));
        text += format_json_pretty(model::to_json(read_ledger(chunks, record)));
        const auto tree = TreeReader::open(chunks, record);
        describe_directory(*tree, tree->root(), "", text);
    }
    testing::check_golden(name + ".txt", text);
}

}  // namespace

TEST_CASE("repository-v1 can be read in full") {
    check_repository("repository-v1");
}
