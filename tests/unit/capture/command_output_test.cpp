// SPDX-License-Identifier: Apache-2.0
#include "core/capture/command_output.hpp"

#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/repository/tree_builder.hpp"
#include "core/repository/tree_reader.hpp"
#include "tests/support/capture_scene.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>

using namespace backup;
using namespace backup::capture;
using backup::testing::CaptureScene;
using backup::testing::error_code_of;
using model::HookOutcome;

namespace {

using Play = std::function<int(ByteSink& output, const std::stop_token& stop)>;

class PlayedRunner : public CommandRunner {
  public:
    explicit PlayedRunner(Play play) : play_(std::move(play)) {}

    void run(const CommandRequest& request,
             CommandReport& report,
             const std::stop_token& stop) override {
        report.tail = "a warning";
        report.exit_code = play_(*request.output, stop);
    }

  private:
    Play play_;
};

Bytes random_bytes(std::size_t size) {
    testing::SeededRandom random;
    Bytes bytes(size);
    random.fill(bytes);
    return bytes;
}

PlannedOutput planned(const std::string& pod) {
    PlannedOutput output;
    output.file_name = pod + ".sql";
    output.hook.record.name_space = "shop";
    output.hook.record.pod = pod;
    output.hook.record.phase = model::HookPhase::Command;
    output.hook.record.command = {"dump"};
    return output;
}

struct OutputScene : CaptureScene {
    CommandOutputs store(const std::vector<PlannedOutput>& plan,
                         Play play,
                         const std::stop_token& stop = {}) {
        PlayedRunner runner(std::move(play));
        return store_outputs({{runner, clock, progress}, repository, writer, 1, 2}, plan, stop);
    }

    /// The bytes of a file after the point was committed.
    Bytes read_back(const CommandOutput& file) {
        repository::TreeBuilder builder(writer);
        model::FileEntry root;
        root.type = model::FileType::Directory;
        builder.begin_directory(root);
        model::FileEntry entry;
        entry.name = "file";
        entry.size = file.bytes;
        builder.add(entry, file.content);
        builder.end_directory();
        const auto tree = builder.finish();
        repository::PointRecord record;
        record.point.name = "p";
        record.point.created = clock.now();
        record.root = tree.root;
        record.pages = writer.add_stream(repository::encode_page_table(tree.pages));
        model::Ledger ledger;
        record.ledger = writer.add_stream(as_bytes(format_json(model::to_json(ledger))));
        record = writer.commit(std::move(record));
        Files files;
        repository::ChunkStore fresh(repository);
        const auto reader = repository::TreeReader::open(fresh, record);
        read_below(*reader, reader->root(), "", files);
        return files.at("file");
    }

    using Files = testing::Files;

    NullProgress progress;
    repository::Repository repository = testing::open_tiny_repository(backend, key);
    repository::ChunkStore chunks{repository};
    repository::Writer writer{repository, chunks, random, clock};
};

}  // namespace

TEST_CASE("what a command prints is a file, whatever its length", "[hooks]") {
    // Around the borders of inline files, single chunks and full chunks of the tiny repository.
    const auto size = GENERATE(as<std::size_t>{}, 0, 1, 100, 511, 512, 513, 4096, 70'000, 700'001);
    CAPTURE(size);
    OutputScene scene;
    const auto bytes = random_bytes(size);
    const auto piece = GENERATE(as<std::size_t>{}, 333, 65'536, 1'000'000);
    const auto outputs = scene.store({planned("db")}, [&](ByteSink& out, const std::stop_token&) {
        for (std::size_t at = 0; at < size; at += piece) {
            out.write(ByteView(bytes).subspan(at, std::min(piece, size - at)));
        }
        return 0;
    });
    REQUIRE(outputs.files.size() == 1);
    CHECK(outputs.files[0].ns == "shop");
    CHECK(outputs.files[0].name == "db.sql");
    CHECK(outputs.files[0].bytes == size);
    REQUIRE(outputs.records.size() == 1);
    CHECK(outputs.records[0].outcome == HookOutcome::Succeeded);
    CHECK(outputs.records[0].output == "a warning");
    CHECK(scene.read_back(outputs.files[0]) == bytes);
}

TEST_CASE("half a dump is none", "[hooks]") {
    OutputScene scene;
    const auto bytes = random_bytes(50'000);
    int run = 0;
    const auto outputs = scene.store(
        {planned("bad"), planned("cut"), planned("good")},
        [&, calls = std::make_shared<std::atomic<int>>(0)](ByteSink& out, const std::stop_token&) {
            out.write(bytes);
            const int call = (*calls)++;
            if (call == 1) {
                throw Error(ErrorCode::ExecFailed, "the stream broke");
            }
            run = call;
            return call == 0 ? 1 : 0;
        });
    REQUIRE(outputs.records.size() == 3);
    CHECK(outputs.files.size() == 1);
    // The one that is good shares its chunks with those that were given up.
    CHECK(scene.read_back(outputs.files[0]) == bytes);
    const auto failed =
        std::count_if(outputs.records.begin(), outputs.records.end(), [](const auto& record) {
            return record.outcome == HookOutcome::Failed;
        });
    CHECK(failed == 2);
    CHECK(run >= 0);
}

TEST_CASE("stop and a full repository end the run", "[hooks]") {
    OutputScene scene;
    std::stop_source stop;
    CHECK(error_code_of([&] {
              return scene.store(
                  {planned("db")},
                  [&](ByteSink&, const std::stop_token&) -> int {
                      stop.request_stop();
                      throw Error(ErrorCode::Interrupted, "interrupted");
                  },
                  stop.get_token());
          }) == ErrorCode::Interrupted);
}
