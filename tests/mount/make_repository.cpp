// SPDX-License-Identifier: Apache-2.0
// Makes a point from a local directory with Writer and TreeBuilder alone, so that the tests of the
// mount do not depend on capture: make_repository REPOSITORY KEY_FILE POINT DIRECTORY
#include "core/backend/open_backend.hpp"
#include "core/base/error.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/base/json.hpp"
#include "core/base/text.hpp"
#include "core/model/ledger.hpp"
#include "core/repository/chunk_store.hpp"
#include "core/repository/repository.hpp"
#include "core/repository/tree_builder.hpp"
#include "core/repository/writer.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <iostream>
#include <random>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace backup::testing {
namespace {

namespace fs = std::filesystem;
using model::FileEntry;
using model::FileType;
using repository::FileContent;

constexpr std::uint64_t kChunkBytes = 1U << 20U;

FileType type_of(mode_t mode) {
    switch (mode & S_IFMT) {
        case S_IFDIR:
            return FileType::Directory;
        case S_IFLNK:
            return FileType::Symlink;
        case S_IFIFO:
            return FileType::Fifo;
        case S_IFSOCK:
            return FileType::Socket;
        case S_IFCHR:
            return FileType::CharacterDevice;
        case S_IFBLK:
            return FileType::BlockDevice;
        default:
            return FileType::Regular;
    }
}

std::int64_t nanoseconds(const timespec& time) {
    return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

std::vector<model::Xattr> read_xattrs(const fs::path& path) {
    std::vector<model::Xattr> out;
    std::array<char, 65536> names{};
    const auto length = ::llistxattr(path.c_str(), names.data(), names.size());
    for (ssize_t at = 0; at < length;) {
        const std::string name(names.data() + at);
        std::string value(65536, '\0');
        const auto size = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
        if (size >= 0) {
            value.resize(static_cast<std::size_t>(size));
            out.push_back({name, value});
        }
        at += static_cast<ssize_t>(name.size()) + 1;
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return out;
}

FileEntry read_entry(const fs::path& path) {
    struct stat facts {};

    if (::lstat(path.c_str(), &facts) != 0) {
        throw system_error(errno, path.string());
    }
    FileEntry entry;
    entry.name = path.filename().string();
    entry.type = type_of(facts.st_mode);
    entry.mode = facts.st_mode & 07777U;
    entry.uid = facts.st_uid;
    entry.gid = facts.st_gid;
    entry.link_count = static_cast<std::uint32_t>(facts.st_nlink);
    entry.size = entry.type == FileType::Regular ? static_cast<std::uint64_t>(facts.st_size) : 0;
    entry.mtime_ns = nanoseconds(facts.st_mtim);
    entry.ctime_ns = nanoseconds(facts.st_ctim);
    entry.inode = facts.st_ino;
    entry.has_link_group = entry.type != FileType::Directory && facts.st_nlink > 1;
    if (entry.type == FileType::CharacterDevice || entry.type == FileType::BlockDevice) {
        entry.device_major = major(facts.st_rdev);
        entry.device_minor = minor(facts.st_rdev);
    }
    if (entry.type == FileType::Symlink) {
        entry.link_target = fs::read_symlink(path).string();
        entry.size = entry.link_target.size();
    }
    entry.xattrs = read_xattrs(path);
    return entry;
}

class Maker {
  public:
    explicit Maker(repository::Writer& writer) : writer_(writer), tree_(writer) {}

    repository::PointRecord make(const fs::path& source) {
        open("");
        add_objects();
        open("volumes");
        open("shop");
        add_directory(source, "data");
        close();
        close();
        close();
        const auto built = tree_.finish();
        repository::PointRecord record;
        record.point.statistics.files = built.files;
        record.point.statistics.directories = built.directories;
        record.root = built.root;
        record.pages = writer_.add_stream(repository::encode_page_table(built.pages));
        record.ledger = writer_.add_stream(as_bytes(format_json(model::to_json(model::Ledger{}))));
        return record;
    }

  private:
    void open(std::string name) {
        FileEntry entry;
        entry.name = std::move(name);
        entry.type = FileType::Directory;
        tree_.begin_directory(entry);
    }

    void close() { tree_.end_directory(); }

    void add_text(std::string name, std::string text) {
        FileEntry entry;
        entry.name = std::move(name);
        entry.size = text.size();
        tree_.add(entry, {std::move(text), {}});
    }

    /// So that the objects take more than one frame.
    std::string make_noise() {
        std::string noise(800, '\0');
        for (auto& character : noise) {
            character = static_cast<char>('a' + noise_() % 26);
        }
        return noise;
    }

    void add_objects() {
        open("extra");
        add_text("resources.json",
                 R"([{"group":"","version":"v1","kind":"ConfigMap","plural":"configmaps"},)"
                 R"({"group":"","version":"v1","kind":"Secret","plural":"secrets"}])");
        close();
        open("objects");
        open("namespaces");
        open("shop");
        open("configmaps");
        for (int i = 1000; i < 2000; ++i) {
            const auto name = concat("settings-", i);
            add_text(name,
                     concat(R"({"metadata":{"name":")",
                            name,
                            R"(","uid":"1"},"data":{"answer":"yes","number":")",
                            i,
                            R"(","noise":")",
                            make_noise(),
                            "\"}}"));
        }
        close();
        open("secrets");
        add_text("login",
                 R"({"metadata":{"name":"login"},"data":{"password":"b25seSBmb3IgdGhlIG93bmVy"}})");
        close();
        close();
        close();
        close();
    }

    void add_directory(const fs::path& path, const std::string& name) {
        auto entry = read_entry(path);
        entry.name = name;
        tree_.begin_directory(entry);
        std::vector<std::string> names;
        for (const auto& child : fs::directory_iterator(path)) {
            names.push_back(child.path().filename().string());
        }
        std::sort(names.begin(), names.end());
        for (const auto& child : names) {
            add(path / child, child);
        }
        tree_.end_directory();
    }

    void add(const fs::path& path, const std::string& name) {
        const auto entry = read_entry(path);
        if (entry.type == FileType::Directory) {
            add_directory(path, name);
            return;
        }
        tree_.add(entry,
                  entry.type == FileType::Regular ? read_content(path, entry.size) : FileContent{});
    }

    FileContent read_content(const fs::path& path, std::uint64_t size) {
        constexpr std::uint64_t kInlineBytes = 512;
        FileContent content;
        const auto file = open_file(path, O_RDONLY);
        if (size <= kInlineBytes) {
            content.inline_bytes.resize(size);
            auto& text = content.inline_bytes;
            read_up_to(file.get(),
                       std::as_writable_bytes(std::span(text.data(), text.size())),
                       path.string());
            return content;
        }
        for (std::uint64_t at = 0; at < size;) {
            const auto data = ::lseek(file.get(), static_cast<off_t>(at), SEEK_DATA);
            const auto begin = data < 0 ? size : static_cast<std::uint64_t>(data);
            if (begin > at) {
                content.extents.push_back({{}, begin});
                at = begin;
                continue;
            }
            const auto hole =
                static_cast<std::uint64_t>(::lseek(file.get(), static_cast<off_t>(at), SEEK_HOLE));
            Bytes bytes(std::min({hole - at, kChunkBytes, size - at}));
            pread_up_to(file.get(), bytes, at, path.string());
            at += bytes.size();
            content.extents.push_back(
                {writer_.add_chunk(content::ChunkKind::Data, bytes).short_id(), at});
        }
        return content;
    }

    repository::Writer& writer_;
    repository::TreeBuilder tree_;
    std::mt19937 noise_{1};
};

repository::Secret prepare(backend::Backend& backend,
                           const fs::path& key_file,
                           Random& random,
                           Clock& clock) {
    if (!repository::repository_exists(backend)) {
        const auto fresh = repository::make_new_repository(random);
        write_file_atomically(key_file, as_bytes(repository::format_key_file(fresh.key_file)));
        repository::init_repository(backend, fresh, {}, std::nullopt, random, clock);
    }
    repository::Secret secret;
    secret.key_file = repository::parse_key_file(as_text(read_file(key_file)));
    return secret;
}

}  // namespace
}  // namespace backup::testing

int main(int argc, char** argv) {
    using namespace backup;
    if (argc != 5) {
        std::cerr << "usage: make_repository REPOSITORY KEY_FILE POINT DIRECTORY\n";
        return 2;
    }
    SystemRandom random;
    SystemClock clock;
    const auto backend = backend::open_backend(argv[1]);
    const auto secret = testing::prepare(*backend, argv[2], random, clock);
    const auto repository = repository::open_repository(*backend, secret);
    repository::ChunkStore chunks(repository);
    repository::Writer writer(repository, chunks, random, clock);
    auto record = testing::Maker(writer).make(argv[4]);
    record.point.name = argv[3];
    record.point.created = clock.now();
    record.point.namespaces = {"shop"};
    std::cout << writer.commit(std::move(record)).point.id << '\n';
    return 0;
}
