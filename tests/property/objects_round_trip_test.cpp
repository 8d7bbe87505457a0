// SPDX-License-Identifier: Apache-2.0
// What the server gave is what is shown: raw objects byte by byte, manifests as the same JSON.
#include "core/base/yaml.hpp"
#include "core/model/manifest.hpp"
#include "core/repository/tree_names.hpp"
#include "core/view/point_files.hpp"
#include "core/view/walk.hpp"
#include "tests/support/capture_scene.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random_json.hpp"

#include <map>

using namespace backup;
using namespace backup::testing;

namespace {

std::string random_name(SeededRandom& random) {
    constexpr std::string_view characters = "abcxyz019-.:";
    std::string name = "n";
    const auto length = random.chance(10) ? 252 : 1 + random.below(30);
    while (name.size() < length) {
        name += characters[random.below(characters.size())];
    }
    return name + "0";
}

/// White space where JSON allows it: it must survive too.
std::string loosen(std::string_view json, SeededRandom& random) {
    std::string loose;
    bool is_in_string = false;
    for (std::size_t i = 0; i < json.size(); ++i) {
        if (!is_in_string && random.chance(8) && (json[i] == ',' || json[i] == ':')) {
            loose += " ";
        }
        loose += json[i];
        if (json[i] == '\\') {
            loose += json[++i];
        } else if (json[i] == '"') {
            is_in_string = !is_in_string;
        }
    }
    return loose;
}

std::string random_object(const std::string& name, SeededRandom& random) {
    Json object = Json::object();
    object["data"] = random_json(random);
    object["metadata"] = Json::object({{"name", name}, {"namespace", "shop"}});
    if (random.chance(2)) {
        object["metadata"]["labels"] = Json::object({{"l", random_text(random)}});
    }
    object["spec"] = random_json(random);
    return loosen(format_json(object), random);
}

}  // namespace

TEST_CASE("random objects come back as they went in", "[objects]") {
    CaptureScene scene;
    std::map<std::string, std::string> objects;
    for (int i = 0; i < 300; ++i) {
        const auto name = random_name(scene.random);
        objects[name] = random_object(name, scene.random);
    }
    for (const auto& [name, bytes] : objects) {
        scene.server.add("configmaps", bytes);
    }
    const auto created = scene.create(scene.flags_for_shop());
    REQUIRE(created.record.point.statistics.objects == objects.size() + 2);

    const auto repository = open_tiny_repository(scene.backend, scene.key);
    repository::ChunkStore chunks(repository);
    const auto root = view::open_point(chunks, created.record);
    for (const auto& [name, bytes] : objects) {
        CAPTURE(name, bytes);
        const auto file = repository::escape_name(name);
        const auto raw = view::get_path(root, "namespaces/shop/raw/configmaps/" + file + ".json");
        CHECK(view::read_text(*raw) == bytes);
        const auto manifest =
            view::get_path(root, "namespaces/shop/manifests/configmaps/" + file + ".yaml");
        CHECK(parse_yaml(view::read_text(*manifest)) ==
              model::clean_manifest(parse_json(bytes), {"v1", "Configmap"}));
    }
}
