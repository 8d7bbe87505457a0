// SPDX-License-Identifier: Apache-2.0
#include "core/view/repository_view.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/repository/chunk_store.hpp"
#include "core/repository/tree_names.hpp"
#include "core/view/inode_numbers.hpp"
#include "core/view/point_files.hpp"
#include "core/view/synthetic_nodes.hpp"
#include "core/view/view_state.hpp"
#include "core/view/volume_files.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

namespace backup::view {
namespace {

using repository::PointRecord;
using Records = std::vector<PointRecord>;

constexpr const char* kByName = "by-name";
constexpr const char* kByNamespace = "by-namespace";
constexpr const char* kByTime = "by-time";

// What the top of the tree is made of; made anew when points come or go, never changed.
struct Top {
    std::shared_ptr<const Records> records = std::make_shared<const Records>();
    std::map<std::string, NodePointer> by_time;
    std::map<std::string, std::string> by_name;  // name in by-time
    std::map<std::string, std::vector<std::string>> by_namespace;
    std::string latest;
    NodeFrame frame;
    std::map<std::string, std::shared_ptr<const Children>> lists;  // by path; "" is the root
};

bool is_shown(const model::RecoveryPoint& point, const ViewOptions& options) {
    const auto& names = point.namespaces;
    return options.shows_point(point.id) &&
           (options.namespaces.empty() ||
            std::any_of(names.begin(), names.end(), [&](const auto& name) {
                return options.shows_namespace(name);
            }));
}

Children make_links(const NodeFrame& frame,
                    const std::string& up,
                    const std::map<std::string, std::string>& targets) {
    Children out;
    for (const auto& [name, target] : targets) {
        // Where it leads is part of its number: the kernel keeps the target of a link it knows.
        out.emplace_back(
            name, std::make_shared<LinkNode>(frame.below(concat(name, "/", target)), up + target));
    }
    return out;
}

}  // namespace

struct RepositoryView::State {
    State(const repository::Repository& opened,
          repository::ChunkStore& chunks,
          ViewOptions view_options,
          std::vector<StatusFile> files)
        : repository(opened),
          shared(std::make_shared<ViewState>(chunks, std::move(view_options))),
          status_files(std::move(files)) {
        std::sort(status_files.begin(), status_files.end(), [](const auto& a, const auto& b) {
            return a.name < b.name;
        });
        *top.lock() = make_top({});
    }

    NodeFrame root_frame(const Records& records) const {
        NodeFrame frame;
        frame.inode = kRootInode;
        frame.uid = shared->options.uid;
        frame.gid = shared->options.gid;
        frame.freshness = Freshness::UntilPoint;
        if (!records.empty()) {
            frame.time_ns = records.back().point.created.time_since_epoch().count();
        }
        return frame;
    }

    std::shared_ptr<const Top> make_top(Records records);
    void add_point(Top& made, const PointRecord& record);
    void make_lists(Top& made);
    void make_namespaces(Top& made, const NodeFrame& below);
    NodePointer open_list(const NodeFrame& frame, const std::string& path);
    NodePointer make_status(const NodeFrame& frame) const;
    void drop_nodes(const Records& records);
    NodePointer point_node(const PointRecord& record);

    const repository::Repository& repository;
    std::shared_ptr<ViewState> shared;
    std::vector<StatusFile> status_files;
    Synchronized<std::unordered_map<std::string, NodePointer>> point_nodes;  // by id
    Synchronized<std::shared_ptr<const Top>> top;
};

NodePointer RepositoryView::State::point_node(const PointRecord& record) {
    auto nodes = point_nodes.lock();
    auto& node = (*nodes)[record.point.id];
    if (node == nullptr) {
        node = make_point_node(shared, record);
    }
    return node;
}

// Of points that are gone; who still holds a node keeps it alive.
void RepositoryView::State::drop_nodes(const Records& records) {
    std::set<std::string_view> ids;
    for (const auto& record : records) {
        ids.insert(record.point.id);
    }
    std::erase_if(*point_nodes.lock(), [&](const auto& node) { return !ids.contains(node.first); });
}

void RepositoryView::State::add_point(Top& made, const PointRecord& record) {
    auto name = time_name(record.point);
    if (made.by_time.contains(name)) {
        constexpr std::size_t kDigits = 8;
        name += "-" + record.point.id.substr(0, kDigits);
    }
    made.by_time[name] = point_node(record);
    made.by_name[repository::escape_name(record.point.name)] = name;
    for (const auto& name_space : record.point.namespaces) {
        if (shared->options.shows_namespace(name_space)) {
            made.by_namespace[repository::escape_name(name_space)].push_back(name);
        }
    }
    made.latest = name;
}

std::shared_ptr<const Top> RepositoryView::State::make_top(Records records) {
    auto made = std::make_shared<Top>();
    made->frame = root_frame(records);
    drop_nodes(records);
    for (const auto& record : records) {
        if (is_shown(record.point, shared->options)) {
            add_point(*made, record);
        }
    }
    made->records = std::make_shared<const Records>(std::move(records));
    make_lists(*made);
    return made;
}

// Who holds the node of a list sees what there is now: a name that was found in an old list would
// be remembered for ever.
NodePointer RepositoryView::State::open_list(const NodeFrame& frame, const std::string& path) {
    return std::make_shared<SyntheticDirectory>(frame, [this, path] {
        const auto now = *top.lock();
        const auto found = now->lists.find(path);
        return found == now->lists.end() ? std::make_shared<const Children>() : found->second;
    });
}

void RepositoryView::State::make_namespaces(Top& made, const NodeFrame& below) {
    Children namespaces;
    for (const auto& [name, names] : made.by_namespace) {
        const auto inner = below.below(name);
        const auto path = concat(kByNamespace, "/", name);
        std::map<std::string, std::string> targets;
        for (const auto& point : names) {
            targets[point] = point;
        }
        targets["latest"] = names.back();
        made.lists[path] =
            std::make_shared<const Children>(make_links(inner, "../../by-time/", targets));
        namespaces.emplace_back(name, open_list(inner, path));
    }
    made.lists[kByNamespace] = std::make_shared<const Children>(std::move(namespaces));
}

// Each text is a file of its own number, which never changes: the kernel would show the old size
// with the new bytes, or the old bytes with the new size.
NodePointer RepositoryView::State::make_status(const NodeFrame& frame) const {
    auto below = frame.below(".backup");
    below.freshness = Freshness::Forever;
    return std::make_shared<SyntheticDirectory>(below, [below, files = status_files] {
        Children out;
        for (const auto& file : files) {
            const auto text = std::make_shared<const std::string>(file.text());
            auto inner = below.below(concat(file.name, "/", *text));
            inner.freshness = Freshness::Now;
            out.emplace_back(file.name, std::make_shared<TextFile>(inner, kPublicFileMode, [text] {
                                 return text;
                             }));
        }
        return std::make_shared<const Children>(std::move(out));
    });
}

void RepositoryView::State::make_lists(Top& made) {
    const auto& frame = made.frame;
    Children out;
    if (!status_files.empty()) {
        out.emplace_back(".backup", make_status(frame));
    }
    const auto by_name = frame.below(kByName);
    made.lists[kByName] =
        std::make_shared<const Children>(make_links(by_name, "../by-time/", made.by_name));
    make_namespaces(made, frame.below(kByNamespace));
    made.lists[kByTime] =
        std::make_shared<const Children>(made.by_time.begin(), made.by_time.end());
    for (const auto* const list : {kByName, kByNamespace, kByTime}) {
        out.emplace_back(list, open_list(frame.below(list), list));
    }
    if (!made.latest.empty()) {
        auto link = make_links(frame, "by-time/", {{"latest", made.latest}});
        out.push_back(std::move(link.front()));
    }
    made.lists[""] = std::make_shared<const Children>(std::move(out));
}

RepositoryView::RepositoryView(const repository::Repository& repository,
                               repository::ChunkStore& chunks,
                               ViewOptions options,
                               std::vector<StatusFile> status_files)
    : state_(std::make_unique<State>(
          repository, chunks, std::move(options), std::move(status_files))) {}

RepositoryView::~RepositoryView() = default;

bool RepositoryView::refresh(std::vector<Problem>* problems) {
    state_->shared->chunks.close_idle();
    const auto before = points();
    auto records = repository::list_points(
        state_->repository,
        [&](const std::string& name, const Error& error) {
            if (problems != nullptr) {
                problems->push_back({name, error.what(), error.code()});
            }
        },
        *before);
    const auto is_same = std::equal(
        records.begin(),
        records.end(),
        before->begin(),
        before->end(),
        [](const PointRecord& a, const PointRecord& b) { return a.point.id == b.point.id; });
    if (is_same) {
        return false;
    }
    if (records.size() < before->size() &&
        !repository::repository_exists(state_->repository.backend())) {
        // A disk that went away leaves an empty directory behind: not one without points.
        throw Error(
            ErrorCode::NoRepository,
            concat(
                "the repository is not at ", state_->repository.backend().location(), " any more"));
    }
    state_->shared->chunks.refresh();
    auto top = state_->top.lock();
    *top = state_->make_top(std::move(records));
    return true;
}

std::shared_ptr<const Records> RepositoryView::points() const {
    return (*state_->top.lock())->records;
}

NodePointer RepositoryView::root() {
    const auto frame = (*state_->top.lock())->frame;
    return state_->open_list(frame, "");
}

NodePointer RepositoryView::open_point(const PointRecord& record) {
    return state_->point_node(record);
}

NodePointer RepositoryView::find_by_inode(std::uint64_t inode) {
    if (!is_tree_inode(inode)) {
        return nullptr;
    }
    const auto place = split_tree_inode(inode);
    const auto part = state_->shared->find_part(place.part);
    return part == nullptr ? nullptr
                           : std::make_shared<VolumeFile>(part, part->reader->at(place.position));
}

std::string time_name(const model::RecoveryPoint& point) {
    return repository::escape_name(concat(format_compact(point.created), "-", point.name));
}

}  // namespace backup::view
