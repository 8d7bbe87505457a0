// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/view/made_repository.hpp"

#include "core/base/json.hpp"
#include "core/model/ledger.hpp"
#include "core/view/walk.hpp"

#include <algorithm>

namespace backup::testing {

MadeRepository::MadeRepository() {
    const auto fresh = repository::make_new_repository(random_);
    repository::init_repository(backend_, fresh, {}, std::nullopt, random_, clock_);
    repository::Secret secret;
    secret.key_file = fresh.key_file;
    repository_ =
        std::make_unique<repository::Repository>(repository::open_repository(backend_, secret));
    chunks_ = std::make_unique<repository::ChunkStore>(*repository_);
}

repository::Writer& MadeRepository::writer() {
    if (writer_ == nullptr) {
        writer_ = std::make_unique<repository::Writer>(*repository_, *chunks_, random_, clock_);
    }
    return *writer_;
}

repository::FileContent MadeRepository::store(std::string_view bytes, std::size_t cut) {
    repository::FileContent content;
    for (std::size_t at = 0; at < bytes.size(); at += cut) {
        const auto piece = bytes.substr(at, cut);
        const auto id = writer().add_chunk(content::ChunkKind::Data, as_bytes(piece));
        content.extents.push_back({id.short_id(), at + piece.size()});
    }
    return content;
}

repository::PointRecord MadeRepository::commit(const std::string& name,
                                               TestNode root,
                                               std::vector<std::string> namespaces) {
    sort_children(root);
    repository::TreeBuilder builder(writer());
    add_tree(builder, root);
    const auto built = builder.finish();
    repository::PointRecord record;
    record.point.name = name;
    record.point.created = clock_.now();
    record.point.namespaces = std::move(namespaces);
    record.point.statistics.files = built.files;
    record.point.statistics.directories = built.directories;
    record.root = built.root;
    record.pages = writer().add_stream(repository::encode_page_table(built.pages));
    record.ledger = writer().add_stream(as_bytes(format_json(model::to_json(model::Ledger{}))));
    record = writer().commit(std::move(record));
    writer_ = nullptr;
    chunks_->refresh();
    return record;
}

TestNode make_text(std::string name, std::string text) {
    TestNode file;
    file.entry.name = std::move(name);
    file.entry.size = text.size();
    file.content.inline_bytes = std::move(text);
    return file;
}

TestNode make_shop(std::vector<TestNode> volumes) {
    const std::string resources =
        R"([{"group":"","version":"v1","kind":"ConfigMap","plural":"configmaps","namespaced":true},)"
        R"({"group":"","version":"v1","kind":"Namespace","plural":"namespaces"},)"
        R"({"group":"","version":"v1","kind":"Pod","plural":"pods","namespaced":true},)"
        R"({"group":"apps","version":"v1","kind":"Deployment","plural":"deployments"}])";
    const std::string config =
        R"({"metadata":{"name":"settings","namespace":"shop","uid":"1-2","resourceVersion":"7"},)"
        R"("data":{"answer":"yes","hex":"0x1f","text":"a\nb\n","version":"1e3"}})";
    const std::string deployment =
        R"({"metadata":{"name":"web","namespace":"shop","generation":3},)"
        R"("spec":{"replicas":2},"status":{"replicas":2}})";
    const std::string pod = R"({"metadata":{"name":"web-1","namespace":"shop","ownerReferences":)"
                            R"([{"kind":"ReplicaSet","name":"web","controller":true}]}})";
    const std::string name_space = R"({"metadata":{"name":"shop"},"spec":{"finalizers":["x"]}})";
    auto web = make_text("web", deployment);
    web.entry.mtime_ns = 1'700'000'000'000'000'000;
    return make_directory(
        "",
        {make_directory("extra", {make_text("resources.json", resources)}),
         make_directory(
             "objects",
             {make_directory("cluster",
                             {make_directory("namespaces", {make_text("shop", name_space)})}),
              make_directory(
                  "namespaces",
                  {make_directory("shop",
                                  {make_directory("configmaps", {make_text("settings", config)}),
                                   make_directory("deployments.apps", {web}),
                                   make_directory("pods", {make_text("web-1", pod)})})})}),
         make_directory("volumes", {make_directory("shop", std::move(volumes))})});
}

std::vector<std::string> list_all(const view::NodePointer& root) {
    std::vector<std::string> lines;
    view::walk(root, [&](const std::string& path, const view::NodePointer& node) {
        lines.push_back(path + (node->is_directory() ? "/" : ""));
        return view::Walk::Into;
    });
    return lines;
}

std::string read_at(view::Node& node, std::uint64_t offset, std::size_t length) {
    std::string text(length, '?');
    text.resize(node.read(offset, std::as_writable_bytes(std::span(text.data(), text.size()))));
    return text;
}

}  // namespace backup::testing
