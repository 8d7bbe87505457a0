// SPDX-License-Identifier: Apache-2.0
// How the index behaves in a repository of millions of chunks: time and memory of opening it, of
// looking chunks up, of writing and merging. Each phase runs in a process of its own, so that its
// peak memory is its own. Usage: index_scale DIRECTORY [MILLIONS], or to leave a repository that
// has many points too, for the programs themselves: index_scale --leave DIRECTORY [MILLIONS
// [POINTS]]
#include "core/backend/directory_backend.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/base/json.hpp"
#include "core/base/text.hpp"
#include "core/model/ledger.hpp"
#include "core/repository/chunk_store.hpp"
#include "core/repository/index_merge.hpp"
#include "core/repository/index_writer.hpp"
#include "core/repository/keys.hpp"
#include "core/repository/point_store.hpp"
#include "core/repository/tree_builder.hpp"
#include "core/repository/writer.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

using namespace backup;
using namespace backup::repository;

constexpr std::uint64_t kSegmentRecords = 1U << 20U;
constexpr std::uint64_t kChunksOfPack = 32;
constexpr std::uint64_t kFilesOfPoint = 20;

double milliseconds_since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
        .count();
}

double seconds_of(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

/// Runs `work` in a process of its own and prints what it took.
void measure(const char* name, const std::function<void()>& work) {
    std::fflush(stdout);
    const auto begin = std::chrono::steady_clock::now();
    const auto child = fork();
    if (child == 0) {
        try {
            work();
            std::fflush(stdout);
            _exit(0);
        } catch (const std::exception& error) {
            std::fprintf(stderr, "%s: %s\n", name, error.what());
            _exit(1);
        }
    }
    rusage used{};
    int status = 0;
    wait4(child, &status, 0, &used);
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
    std::printf("%-44s wall %8.3f s  cpu %8.3f s  peak %7.1f MiB%s\n",
                name,
                wall.count(),
                seconds_of(used.ru_utime) + seconds_of(used.ru_stime),
                static_cast<double>(used.ru_maxrss) / 1024,
                status == 0 ? "" : "  FAILED");
}

struct World {
    explicit World(const std::string& directory, bool makes = false) : backend(directory) {
        if (makes) {
            repository::init_repository(backend, fresh, {}, std::nullopt, random, clock);
        }
    }

    // A key that is the same in each process.
    static NewRepository fixed() {
        NewRepository fixed;
        fixed.id.fill(std::byte{7});
        fixed.key_file.repository = fixed.id;
        fixed.key_file.secret.fill(std::byte{9});
        return fixed;
    }

    SystemRandom random;
    SystemClock clock;
    NewRepository fresh = fixed();
    backend::DirectoryBackend backend;

    Repository open() { return open_repository(backend, {fresh.key_file, std::nullopt}); }
};

content::ShortId id_at(std::uint64_t high, std::uint64_t low) {
    content::ShortId id;
    for (unsigned i = 0; i < 8; ++i) {
        id.bytes[i] = static_cast<std::byte>(high >> (56 - 8 * i));
    }
    store_le(id.bytes.data() + 8, low);
    return id;
}

/// Ids spread evenly, the same ones for the same seed.
void put_segment(const Repository& repository,
                 Random& random,
                 std::uint64_t seed,
                 std::uint64_t records) {
    IndexWriter writer(repository, random);
    std::mt19937_64 numbers(seed);
    for (std::uint64_t i = 0; i < records / kChunksOfPack + 1; ++i) {
        IndexedPack pack;
        random.fill(pack.name);
        random.fill(pack.salt);
        pack.frame_count = 1000;
        pack.frame_table_bytes = 1000 * format::kFrameTableEntryBytes + format::kTagBytes;
        pack.frame_table_offset = 32U << 20U;
        pack.size = pack.frame_table_offset + pack.frame_table_bytes + format::kPackTrailerBytes;
        writer.add_pack(pack);
    }
    const auto step = ~std::uint64_t{0} / records;
    for (std::uint64_t i = 0; i < records; ++i) {
        const auto pack = static_cast<std::uint32_t>(numbers() % (records / kChunksOfPack + 1));
        writer.add({id_at(i * step + numbers() % step, seed), pack, 5, 0, 1U << 20U});
    }
    writer.commit();
}

/// Every `every`-th id of a segment of put_segment().
std::vector<content::ShortId> ids_of(std::uint64_t seed, std::uint64_t records, unsigned every) {
    std::mt19937_64 numbers(seed);
    std::vector<content::ShortId> ids;
    const auto step = ~std::uint64_t{0} / records;
    for (std::uint64_t i = 0; i < records; ++i) {
        numbers();
        const auto high = i * step + numbers() % step;
        if (i % every == 0) {
            ids.push_back(id_at(high, seed));
        }
    }
    std::shuffle(ids.begin(), ids.end(), numbers);
    return ids;
}

void open_store(const std::string& directory) {
    World world(directory);
    const auto repository = world.open();
    const auto begin = std::chrono::steady_clock::now();
    const ChunkStore chunks(repository);
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
    std::printf("  opened: %.1f ms, %llu chunks, %zu segments\n",
                wall.count() * 1e3,
                static_cast<unsigned long long>(chunks.chunk_count()),
                chunks.list_segments().size());
}

void find_chunks(const std::string& directory,
                 const std::vector<content::ShortId>& ids,
                 bool are_there) {
    World world(directory);
    const auto repository = world.open();
    const ChunkStore chunks(repository);
    std::size_t found = 0;
    const auto begin = std::chrono::steady_clock::now();
    for (const auto& id : ids) {
        found += chunks.contains(id) ? 1U : 0U;
    }
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
    std::printf("  %zu lookups, %.2f us each\n",
                ids.size(),
                wall.count() * 1e6 / static_cast<double>(ids.size()));
    if (found != (are_there ? ids.size() : 0)) {
        throw std::runtime_error("wrong answers");
    }
}

void write_small_chunks(const std::string& directory, std::uint64_t count) {
    World world(directory, true);
    const auto repository = world.open();
    ChunkStore known(repository);
    Writer writer(repository, known, world.random, world.clock);
    content::ChunkHasher hasher(repository.keys().chunk_id);
    content::FrameGroupBuilder builder(repository.parameters().frame_bytes, 1, false);
    Bytes plain(64);
    for (std::uint64_t i = 0; i < count; ++i) {
        store_le(plain.data(), i);
        const auto id = hasher(content::ChunkKind::Data, plain);
        if (!writer.claim(id.short_id())) {
            throw std::runtime_error("an unknown chunk is known");
        }
        builder.add(id, content::ChunkKind::Data, plain);
        if (builder.plain_bytes() >= 1U << 20U) {
            writer.add_group(builder.take(), PackKind::Data);
        }
    }
    writer.add_group(builder.take(), PackKind::Data);
    PointRecord record;
    record.point.created = world.clock.now();
    writer.commit(record);
}

void compact(const std::string& directory) {
    World world(directory);
    const auto repository = world.open();
    ChunkStore chunks(repository);
    const auto before = chunks.list_segments().size();
    compact_index(repository, chunks.list_segments(), world.random);
    chunks.refresh();
    std::printf("  %zu segments became %zu\n", before, chunks.list_segments().size());
}

/// A tree of which one file is this point's own.
BuiltTree put_tree(Writer& writer, std::uint64_t point) {
    TreeBuilder tree(writer);
    tree.begin_directory({.type = model::FileType::Directory, .mode = 0755});
    for (std::uint64_t i = 0; i < kFilesOfPoint; ++i) {
        const auto changed = i == point % kFilesOfPoint;
        FileContent content;
        content.inline_bytes = concat("file ", i, changed ? concat(" of point ", point) : "");
        const auto size = content.inline_bytes.size();
        tree.add({.name = concat("file-", 100 + i), .mode = 0644, .size = size}, content);
    }
    tree.end_directory();
    return tree.finish();
}

void put_points(World& world, const Repository& repository, std::uint64_t points) {
    ChunkStore known(repository);
    for (std::uint64_t i = 0; i < points; ++i) {
        Writer writer(repository, known, world.random, world.clock);
        const auto built = put_tree(writer, i);
        PointRecord record;
        record.point.name = concat("point-", i);
        record.point.created = world.clock.now();
        record.point.namespaces = {"shop"};
        record.point.statistics.files = built.files;
        record.root = built.root;
        record.pages = writer.add_stream(encode_page_table(built.pages));
        record.ledger = writer.add_stream(as_bytes(format_json(model::to_json(model::Ledger{}))));
        writer.commit(std::move(record));
        known.refresh();
    }
}

/// What a verb needs that shows points and reads their files.
void open_all(const std::string& directory) {
    World world(directory);
    const auto repository = world.open();
    auto begin = std::chrono::steady_clock::now();
    const auto points = list_points(repository);
    std::printf("  %zu points read: %.1f ms\n", points.size(), milliseconds_since(begin));
    begin = std::chrono::steady_clock::now();
    const ChunkStore chunks(repository);
    std::printf("  index opened: %.1f ms, %llu chunks, %zu segments\n",
                milliseconds_since(begin),
                static_cast<unsigned long long>(chunks.chunk_count()),
                chunks.list_segments().size());
}

void make_repository(const std::string& place,
                     const std::string& key,
                     std::uint64_t segments,
                     std::uint64_t points) {
    World world(place, true);
    const auto repository = world.open();
    write_file_atomically(key, as_bytes(format_key_file(world.fresh.key_file)), 0600);
    put_points(world, repository, points);
    for (std::uint64_t i = 1; i <= segments; ++i) {
        put_segment(repository, world.random, i, kSegmentRecords);
    }
}

/// One that is there already is only opened again.
void leave_repository(const std::string& root, std::uint64_t segments, std::uint64_t points) {
    const auto place = root + "/repository";
    const auto key = root + "/key";
    if (!std::filesystem::exists(place)) {
        measure("make a repository of many points and chunks",
                [&] { make_repository(place, key, segments, points); });
    }
    measure("open it with all its points", [&] { open_all(place); });
    std::printf("kubectl-backup list --repo %s --key-file %s\n", place.c_str(), key.c_str());
}

void run(const std::string& root, std::uint64_t segments) {
    const auto large = root + "/large";
    const auto small = root + "/small";
    const auto ids = ids_of(1, kSegmentRecords, 100);
    const auto unknown = ids_of(1000, kSegmentRecords, 10);
    measure("make the large repository", [&] {
        World world(large, true);
        const auto repository = world.open();
        for (std::uint64_t i = 1; i <= segments; ++i) {
            put_segment(repository, world.random, i, kSegmentRecords);
        }
    });
    measure("open it", [&] { open_store(large); });
    measure("find chunks that are there, at random", [&] { find_chunks(large, ids, true); });
    measure("ask for chunks that are not", [&] { find_chunks(large, unknown, false); });
    measure("make 1000 segments of 300 chunks", [&] {
        World world(small, true);
        const auto repository = world.open();
        for (std::uint64_t i = 1; i <= 1000; ++i) {
            put_segment(repository, world.random, i, 300);
        }
    });
    measure("open it", [&] { open_store(small); });
    measure("find a chunk of each", [&] {
        std::vector<content::ShortId> some;
        for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
            some.push_back(ids_of(seed, 300, 300).front());
        }
        find_chunks(small, some, true);
    });
    measure("merge them", [&] { compact(small); });
    measure("write 1000000 chunks of 64 bytes",
            [&] { write_small_chunks(root + "/written", 1'000'000); });
}

}  // namespace

int main(int count, char** arguments) {
    std::vector<std::string> words(arguments + 1, arguments + count);
    const auto leaves = !words.empty() && words.front() == "--leave";
    if (leaves) {
        words.erase(words.begin());
    }
    if (words.empty()) {
        std::fputs("usage: index_scale [--leave] DIRECTORY [MILLIONS OF CHUNKS [POINTS]]\n",
                   stderr);
        return 2;
    }
    const auto number = [&](std::size_t at, std::uint64_t otherwise) {
        return words.size() > at ? std::strtoull(words[at].c_str(), nullptr, 10) : otherwise;
    };
    const auto root = words.front() + "/index_scale";
    std::filesystem::create_directories(root);
    if (leaves) {
        leave_repository(root, number(1, 10), number(2, 1000));
    } else {
        run(root, number(1, 10));
        std::filesystem::remove_all(root);
    }
    return 0;
}
