// SPDX-License-Identifier: Apache-2.0
// Every byte of a small repository is changed, one at a time: verify names the blob, and reading
// gives an Error or the right bytes, never others and never a crash.
#include "core/maintenance/verify.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/test_repository.hpp"

#include <algorithm>
#include <optional>

using namespace backup;
using namespace backup::maintenance;
using namespace backup::repository;
using namespace backup::testing;

namespace {

struct Scene {
    SeededRandom random;
    FakeClock clock;
    backend::MemoryBackend backend;
    KeyFile key = init_tiny_repository(backend, random, clock);
    Files files = make_files();
    PointRecord point =
        write_point(open_tiny_repository(backend, key), "point", files, random, clock);

    Files make_files() {
        Files made;
        made.emplace("dense", random.bytes(900));
        made.emplace("inline", random.bytes(20));
        made.emplace("zeros", Bytes(20'000));
        return made;
    }

    std::vector<std::string> list_blobs() {
        std::vector<std::string> names{"config"};
        for (const auto* folder : {"keys", "packs", "index", "points"}) {
            backend.list(folder, [&names](const auto& info) { names.push_back(info.name); });
        }
        return names;
    }

    void replace(const std::string& name, ByteView bytes) {
        backend.remove(name);
        backend.put(name, bytes);
    }
};

/// "subject: message" of all that is found, or of what refuses to open.
std::string verify_text(Scene& scene) {
    std::string text;
    try {
        NullProgress progress;
        const auto repository = open_tiny_repository(scene.backend, scene.key);
        const VerifyOptions options{.level = VerifyLevel::ReadData, .threads = 1};
        for (const auto& problem : verify_repository(repository, options, progress).problems) {
            CHECK((problem.code == ErrorCode::CorruptData ||
                   problem.code == ErrorCode::UnknownFormat));
            text += problem.subject + ": " + problem.message + "\n";
        }
    } catch (const Error& error) {
        CHECK((error.code() == ErrorCode::CorruptData || error.code() == ErrorCode::WrongKey ||
               error.code() == ErrorCode::UnknownFormat));
        text = error.what();
    }
    return text;
}

/// What a restore would give: the files, or nothing when it fails with an Error.
std::optional<Files> restore(Scene& scene) {
    try {
        const auto repository = open_tiny_repository(scene.backend, scene.key);
        const auto points = list_points(repository);
        return read_files(repository, points.at(0));
    } catch (const Error& error) {
        CHECK((error.code() == ErrorCode::CorruptData || error.code() == ErrorCode::WrongKey ||
               error.code() == ErrorCode::UnknownFormat));
        return std::nullopt;
    }
}

}  // namespace

TEST_CASE("every changed byte is found by verify, and does no harm to a reader") {
    Scene scene;
    REQUIRE(verify_text(scene).empty());
    std::size_t refused = 0;
    for (const auto& name : scene.list_blobs()) {
        const auto sound = scene.backend.get(name);
        auto damaged = sound;
        for (std::size_t at = 0; at < sound.size(); ++at) {
            const auto mask = static_cast<std::byte>(1U << scene.random.below(8));
            damaged[at] ^= mask;
            scene.replace(name, damaged);
            damaged[at] ^= mask;
            INFO(name << " at " << at);
            CHECK_THAT(verify_text(scene), contains(name));
            const auto files = restore(scene);
            refused += files ? 0U : 1U;
            CHECK((!files || *files == scene.files));
        }
        scene.replace(name, sound);
    }
    CHECK(refused > 1000);
    CHECK(restore(scene) == scene.files);
}

TEST_CASE("every blob may be missing, empty, or cut short") {
    Scene scene;
    for (const auto& name : scene.list_blobs()) {
        const auto sound = scene.backend.get(name);
        for (int i = 0; i < 40; ++i) {
            scene.replace(name, ByteView(sound).first(scene.random.below(sound.size())));
            INFO(name << " cut to " << scene.backend.size(name));
            CHECK_THAT(verify_text(scene), contains(name));
            const auto files = restore(scene);
            CHECK((!files || *files == scene.files));
        }
        auto longer = sound;
        longer.push_back(std::byte{0});
        scene.replace(name, longer);
        CHECK_THAT(verify_text(scene), contains(name));
        scene.replace(name, sound);
    }
    CHECK(verify_text(scene).empty());
}
