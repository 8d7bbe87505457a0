// SPDX-License-Identifier: Apache-2.0
// The closure of random graphs, beside its rules said once more without any index.
#include "tests/support/catch.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/unit/capture/closure_world.hpp"

#include <algorithm>
#include <map>
#include <set>

using namespace backup;
using namespace backup::capture;
using backup::testing::closure_kinds;
using backup::testing::SeededRandom;
using model::ObjectKey;
using World = backup::testing::ClosureWorld;

namespace {
constexpr std::size_t kObjects = 40;

ObjectKey random_key(SeededRandom& random) {
    static const std::vector<std::string> resources = {
        "pods", "services", "configmaps", "serviceaccounts", "clusters.db.example.com"};
    return {resources[random.below(resources.size())],
            random.chance(5) ? "data" : "shop",
            std::to_string(random.below(kObjects / 4))};
}

/// Never an object's.
ObjectKey random_group(SeededRandom& random) {
    return {std::string(kVolumeGroup), "shop", std::to_string(random.below(kObjects / 4))};
}

model::LabelSelector random_selector(SeededRandom& random) {
    const auto label = [&random] {
        return std::string(1, static_cast<char>('a' + random.below(4)));
    };
    return random.chance(6) ? model::LabelSelector()
                            : model::parse_label_selector(label() + "=" + label());
}

Links random_links(const ObjectKey& key, SeededRandom& random) {
    Links links;
    links.key = key;
    for (auto n = random.below(3); n > 0; --n) {
        links.needs.push_back({random_key(random), "needs"});
    }
    if (random.chance(3)) {
        links.attached_to.push_back(
            {random.chance(2) ? random_key(random) : random_group(random), "attached"});
    }
    if (random.chance(3)) {
        links.groups.push_back(random_group(random));
    }
    if (random.chance(4)) {
        const bool is_custom = random.chance(2);
        links.owners.push_back({is_custom ? "db.example.com" : "",
                                is_custom ? "Cluster" : "Pod",
                                random_key(random).name});
    }
    if (random.chance(4)) {
        links.selects = random_selector(random);
        links.selects_why = "selects";
    }
    if (random.chance(2)) {
        links.pod_labels =
            model::Labels{{std::string(1, static_cast<char>('a' + random.below(4))),
                           std::string(1, static_cast<char>('a' + random.below(4)))}};
        links.is_made = random.chance(2);
    }
    if (random.chance(5)) {
        links.makes = random_selector(random);
    }
    return links;
}

bool has_pods_like(const std::map<ObjectKey, Links>& objects,
                   const std::set<ObjectKey>& in,
                   const Links& candidate) {
    return std::any_of(in.begin(), in.end(), [&](const ObjectKey& key) {
        const auto& links = objects.at(key);
        return key.ns == candidate.key.ns && links.pod_labels &&
               model::matches(*candidate.selects, *links.pod_labels);
    });
}

bool is_made_by_one_of(const std::map<ObjectKey, Links>& objects,
                       const std::set<ObjectKey>& in,
                       const Links& pod) {
    return std::any_of(in.begin(), in.end(), [&](const ObjectKey& key) {
        const auto& links = objects.at(key);
        return key.ns == pod.key.ns && links.makes && model::matches(*links.makes, *pod.pod_labels);
    });
}

bool is_formed_by_one_of(const std::map<ObjectKey, Links>& objects,
                         const std::set<ObjectKey>& in,
                         const ObjectKey& group) {
    return std::any_of(in.begin(), in.end(), [&](const ObjectKey& key) {
        const auto& groups = objects.at(key).groups;
        return std::find(groups.begin(), groups.end(), group) != groups.end();
    });
}

/// The rules of the closure said once more, without any index: is `candidate` tied to what is in?
bool is_tied(const std::map<ObjectKey, Links>& objects,
             const std::set<ObjectKey>& in,
             const Links& candidate,
             const Closure::Resolve& resolve) {
    const auto& key = candidate.key;
    for (const auto& stored : in) {
        const auto& links = objects.at(stored);
        for (const auto& need : links.needs) {
            if (need.key == key) {
                return true;
            }
        }
        for (const auto& owner : links.owners) {
            if (resolve(owner, stored.ns) == key) {
                return true;
            }
        }
    }
    for (const auto& to : candidate.attached_to) {
        if (in.contains(to.key) || is_formed_by_one_of(objects, in, to.key)) {
            return true;
        }
    }
    for (const auto& owner : candidate.owners) {
        const auto found = resolve(owner, key.ns);
        if (may_be_custom(owner.group) && found && in.contains(*found)) {
            return true;
        }
    }
    return (candidate.selects && has_pods_like(objects, in, candidate)) ||
           (candidate.is_made && candidate.pod_labels && is_made_by_one_of(objects, in, candidate));
}

std::set<ObjectKey> close_naively(const World& world, std::set<ObjectKey> in) {
    const auto resolve = Closure::make_resolve(closure_kinds());
    for (bool changed = true; changed;) {
        changed = false;
        for (const auto& [key, links] : world.objects()) {
            if (!in.contains(key) && is_tied(world.objects(), in, links, resolve)) {
                in.insert(key);
                changed = true;
            }
        }
    }
    return in;
}

std::set<ObjectKey> plain(const std::map<ObjectKey, Edge>& stored) {
    std::set<ObjectKey> keys;
    for (const auto& [key, edge] : stored) {
        keys.insert(key);
    }
    return keys;
}

}  // namespace

TEST_CASE("the closure of any graph is the least fixpoint, in any order, also with circles",
          "[closure][property]") {
    SeededRandom random;
    std::size_t grown = 0;
    for (int round = 0; round < 400; ++round) {
        World world;
        for (std::size_t i = 0; i < kObjects; ++i) {
            world.add(random_links(random_key(random), random));
        }
        std::vector<ObjectKey> order;
        std::set<ObjectKey> seeds;
        for (const auto& [key, links] : world.objects()) {
            order.push_back(key);
            if (random.chance(12)) {
                seeds.insert(key);
            }
        }
        const auto expected = close_naively(world, seeds);
        grown += static_cast<std::size_t>(expected.size() > seeds.size());
        for (int shuffle = 0; shuffle < 3; ++shuffle) {
            for (std::size_t i = order.size(); i > 1; --i) {
                std::swap(order[i - 1], order[random.below(i)]);
            }
            const auto stored = world.close(seeds, order);
            REQUIRE(plain(stored) == expected);
            // Closed: closing it again adds nothing.
            REQUIRE(plain(world.close(plain(stored), order)) == expected);
        }
    }
    CHECK(grown > 100);
}
