// SPDX-License-Identifier: Apache-2.0
// A long file, read by what the verbs read with, on a repository in a directory.
#include "plugin/open_repository.hpp"

#include "core/backend/directory_backend.hpp"
#include "core/backend/forwarding_backend.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/base/json.hpp"
#include "core/restore/restore_volume.hpp"
#include "plugin/commands/files.hpp"
#include "plugin/find_point.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_cli.hpp"
#include "tests/support/temp_dir.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <sstream>

using namespace backup;
using namespace backup::testing;

namespace {

/// Stops a read of a pack until another one is under way: for ever where one thread reads alone,
/// if its patience did not end.
class MeetingBackend : public backend::ForwardingBackend {
  public:
    explicit MeetingBackend(const std::filesystem::path& root)
        : ForwardingBackend(directory_),
          directory_(root) {}

    std::unique_ptr<backend::BlobReader> open(std::string_view name) override {
        auto blob = ForwardingBackend::open(name);
        return name.starts_with("packs/") ? std::make_unique<Reader>(*this, std::move(blob))
                                          : std::move(blob);
    }

    bool have_met() {
        const std::scoped_lock lock(mutex_);
        return have_met_;
    }

  private:
    class Reader : public backend::BlobReader {
      public:
        Reader(MeetingBackend& home, std::unique_ptr<backend::BlobReader> blob)
            : home_(home),
              blob_(std::move(blob)) {}

        void read(std::uint64_t offset, std::span<std::byte> out) override {
            home_.meet(out.size());
            blob_->read(offset, out);
        }

      private:
        MeetingBackend& home_;
        std::unique_ptr<backend::BlobReader> blob_;
    };

    // Until then nobody can know that the reader goes on in order.
    static constexpr std::size_t kFirstBytes = 8U << 20U;

    void meet(std::size_t bytes) {
        std::unique_lock lock(mutex_);
        read_bytes_ += bytes;
        if (have_met_ || read_bytes_ < kFirstBytes) {
            return;
        }
        have_met_ = is_waiting_;
        is_waiting_ = true;
        changed_.notify_all();
        // The others may just have nothing to do: the next read waits for them again.
        changed_.wait_for(lock, std::chrono::seconds(1), [this] { return have_met_; });
        is_waiting_ = false;
    }

    backend::DirectoryBackend directory_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t read_bytes_ = 0;
    bool is_waiting_ = false;
    bool have_met_ = false;
};

/// A point with one long file that does not shrink.
struct LongFile {
    LongFile() {
        CliSurroundings surroundings;
        surroundings.environment["HOME"] = (directory / "home").string();
        directory.write("src/file", as_text(content));
        const auto made = run_cli({"init", "-o", "json"}, surroundings);
        REQUIRE(made.exit_code == 0);
        REQUIRE(run_cli({"import", "directory", (directory / "src").string(), "--as", "shop/data"},
                        surroundings)
                    .exit_code == 0);
        const auto record = parse_json(made.out);
        auto place = std::make_unique<MeetingBackend>(record.text_at({"location"}));
        backend = place.get();
        repository::Secret secret;
        secret.key_file =
            repository::parse_key_file(as_text(read_file(record.text_at({"keyFile"}), 4096)));
        opened.emplace(std::move(place), secret, plugin::OnDamagedIndex{});
    }

    view::NodePointer find(std::string_view path) {
        return plugin::find_place(*opened, path, clock).node;
    }

    TempDir directory;
    FakeClock clock;
    Bytes content = SeededRandom(7).bytes(24U << 20U);
    MeetingBackend* backend = nullptr;
    std::optional<plugin::OpenedRepository> opened;
};

}  // namespace

TEST_CASE("several threads read one long file at the same time") {
    LongFile file;
    const auto target = file.directory / "target";
    SECTION("that is printed") {
        std::ostringstream out;
        plugin::print_content(*file.find("latest:shop/data/file"), out, {});
        CHECK((out.str() == as_text(file.content)));
    }
    SECTION("that is copied") {
        restore::copy_to_local(file.find("latest:shop/data/file"), target, {}, {});
        CHECK((read_file(target, file.content.size()) == file.content));
    }
    SECTION("that is an image") {
        restore::restore_image(file.find("latest:shop/data/file"), target, {}, {});
        CHECK((read_file(target, file.content.size()) == file.content));
    }
    SECTION("of a volume that is restored") {
        restore::restore_volume_to_directory(file.find("latest:shop/data"), target, {}, {});
        CHECK((read_file(target / "file", file.content.size()) == file.content));
    }
    CHECK(file.backend->have_met());
}
