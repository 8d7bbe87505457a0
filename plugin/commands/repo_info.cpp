// SPDX-License-Identifier: Apache-2.0
#include "core/base/text.hpp"
#include "core/base/units.hpp"
#include "core/maintenance/checks.hpp"
#include "core/maintenance/read_order.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/gc_generation.hpp"
#include "core/repository/key_slots.hpp"
#include "core/repository/point_store.hpp"
#include "core/repository/session_store.hpp"
#include "plugin/cli/global_flags.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/context.hpp"
#include "plugin/open_repository.hpp"

#include <array>
#include <ostream>

namespace backup::plugin {

namespace {

using namespace repository;

constexpr std::string_view kManual =
    R"(What the repository is, how much is in it, who can open it, and whether anything needs care: runs
at work, packs that a prune has condemned, how long ago all data was read in full.)";

struct Folder {
    std::uint64_t blobs = 0;
    std::uint64_t bytes = 0;
};

Folder measure(backend::Backend& backend, std::string_view name) {
    Folder folder;
    backend.list(name, [&folder](const backend::BlobInfo& info) {
        ++folder.blobs;
        folder.bytes += info.size;
    });
    return folder;
}

Json describe_keys(const OpenedPlace& opened) {
    std::uint64_t key_files = 0;
    std::uint64_t passphrases = 0;
    std::uint64_t damaged = 0;
    for (const auto& slot :
         list_key_slots(*opened.backend, opened.repository.id(), opened.secret)) {
        auto& count = slot.is_damaged                      ? damaged
                      : slot.method == SlotMethod::KeyFile ? key_files
                                                           : passphrases;
        ++count;
    }
    return Json::object(
        {{"keyFiles", key_files}, {"passphrases", passphrases}, {"damaged", damaged}});
}

/// Sizes by folder, with what the whole takes.
Json describe_storage(backend::Backend& backend) {
    auto json = Json::object();
    std::uint64_t all = 0;
    constexpr std::array folders{
        kPacksFolder, kIndexFolder, kPointsFolder, kParityFolder, kQuarantineFolder};
    for (const auto folder : folders) {
        const auto measured = measure(backend, folder);
        all += measured.bytes;
        json[folder] = Json::object({{"blobs", measured.blobs}, {"bytes", measured.bytes}});
    }
    json["bytes"] = all;
    return json;
}

Json describe_reading(const std::vector<IndexedPack>& packs,
                      const maintenance::Checks& checks,
                      TimePoint now) {
    const auto age = maintenance::measure_read_age(packs, checks, now);
    return Json::object({{"bytes", age.all_bytes},
                         {"neverReadBytes", age.never_bytes},
                         {"oldest", age.oldest ? Json(format_rfc3339(*age.oldest)) : Json()}});
}

Json describe(Context& context, const OpenedPlace& opened) {
    auto& backend = *opened.backend;
    const auto& repository = opened.repository;
    std::uint64_t damaged = 0;
    const auto points =
        list_points(repository, [&damaged](const std::string&, const Error&) { ++damaged; });
    Json::Array problems;
    const ChunkStore chunks(
        repository,
        ChunkStoreOptions{.on_damaged_index = [&](const std::string& blob, const Error& error) {
            problems.push_back(concat(blob, ": ", error.what()));
        }});
    const auto generations =
        list_generations(repository, [&problems](const std::string& blob, const Error& error) {
            problems.push_back(concat(blob, ": ", error.what()));
        });
    const auto checks = maintenance::load_checks(repository);
    return Json::object(
        {{"id", repository.id_text()},
         {"formatVersion", 1},
         {"location", backend.location()},
         {"points", std::uint64_t{points.size()}},
         {"damagedPoints", damaged + std::uint64_t{maintenance::damaged_points(checks).size()}},
         {"chunks", chunks.chunk_count()},
         {"storage", describe_storage(backend)},
         {"keys", describe_keys(opened)},
         {"parity", backend.exists(kParityMark)},
         {"sessions", std::uint64_t{list_sessions(repository).size()}},
         {"condemnedPacks", std::uint64_t{condemned_packs(generations).size()}},
         {"dataRead", describe_reading(chunks.list_packs(), checks, context.app().clock.now())},
         {"problems", std::move(problems)}});
}

std::string size_at(const Json& json, std::initializer_list<std::string_view> path) {
    return format_size(static_cast<std::uint64_t>(json.integer_at(path)));
}

std::string describe_read(const Json& json) {
    if (json.integer_at({"dataRead", "neverReadBytes"}) > 0) {
        return concat(size_at(json, {"dataRead", "neverReadBytes"}), " never");
    }
    const auto oldest = json.text_at({"dataRead", "oldest"});
    return oldest.empty() ? std::string("-") : concat("all since ", oldest);
}

void print_table(const Output& output, const Json& json) {
    const auto count = [&json](std::initializer_list<std::string_view> path) {
        return std::to_string(json.integer_at(path));
    };
    Table table({"PROPERTY", "VALUE"});
    table.add({{"Id"}, {json.text_at({"id"})}});
    table.add({{"Format"}, {count({"formatVersion"})}});
    table.add({{"Location"}, {json.text_at({"location"})}});
    table.add(
        {{"Points"}, {concat(count({"points"}), ", ", count({"damagedPoints"}), " damaged")}});
    table.add({{"Chunks"}, {count({"chunks"})}});
    table.add({{"Packs"},
               {concat(count({"storage", "packs", "blobs"}),
                       ", ",
                       size_at(json, {"storage", "packs", "bytes"}))}});
    table.add({{"Stored"}, {size_at(json, {"storage", "bytes"})}});
    table.add({{"Keys"},
               {concat(count({"keys", "keyFiles"}),
                       " key files, ",
                       count({"keys", "passphrases"}),
                       " passphrases")}});
    table.add(
        {{"Parity"},
         {json.bool_at({"parity"}) ? concat("on, ", size_at(json, {"storage", "parity", "bytes"}))
                                   : std::string("off")}});
    table.add({{"Quarantine"}, {count({"storage", "quarantine", "blobs"})}});
    table.add({{"Runs at work"}, {count({"sessions"})}});
    table.add({{"Condemned packs"}, {count({"condemnedPacks"})}});
    table.add({{"Data read in full"}, {describe_read(json)}});
    output.out << table.format({output.headers, output.colour, 0});
}

int run(Context& context) {
    const auto opened = open_place(context.settings(), context.app().environment);
    const auto json = describe(context, *opened);
    const auto output = context.output();
    if (is_for_programs(output.format)) {
        print_record(output, "RepositoryInfo", json);
    } else {
        print_table(output, json);
    }
    for (const auto& problem : json.find("problems")->items()) {
        context.warn(problem.string());
    }
    return 0;
}

}  // namespace

Command repo_info_command() {
    Command command;
    command.name = "repo info";
    command.group = kCareGroup;
    command.summary = "Show what the repository is and how it is";
    command.manual = kManual;
    command.flags = {output_flag({"table", "json", "yaml"})};
    command.examples = {{"The repository in use", "kubectl backup repo info"}};
    command.run = run;
    return command;
}

}  // namespace backup::plugin
