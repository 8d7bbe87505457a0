// SPDX-License-Identifier: Apache-2.0
#include "tests/support/simulated_disk.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <cerrno>
#include <string_view>

namespace backup::testing {

namespace {

constexpr std::string_view kRoot = "/disk";
constexpr std::int64_t kSomeTime = 1'800'000'000;

using Kind = DiskStep::Kind;

std::string parent_of(const std::string& path) {
    return path.substr(0, path.rfind('/'));
}

std::string name_of(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

}  // namespace

/// A file or a directory. A file only grows, so what is durable of it is a beginning.
struct SimulatedDisk::Node {
    bool is_directory = false;
    Bytes bytes;
    std::size_t durable_bytes = 0;
    bool is_spoilt = false;  // a sync failed: nothing more becomes durable
    std::int64_t modified_seconds = 0;
    std::map<std::string, NodePointer> entries;
    /// Per name: what it was when the directory was synced, then each change since.
    std::map<std::string, std::vector<NodePointer>> history;

    void set(const std::string& name, const NodePointer& node) {
        auto& past = history[name];
        const auto found = entries.find(name);
        if (past.empty()) {
            past.push_back(found == entries.end() ? nullptr : found->second);
        }
        past.push_back(node);
        if (node == nullptr) {
            entries.erase(name);
        } else {
            entries[name] = node;
        }
    }
};

struct SimulatedDisk::State {
    NodePointer root;
    std::map<std::string, NodePointer> created;  // by the path it was created under
    std::vector<DiskStep> steps;
    std::function<int(const DiskStep&)> hook;
    std::function<bool(const DiskStep&)> lie;
    std::int64_t now_seconds = kSomeTime;

    NodePointer find(const std::string& path) const {
        if (!path.starts_with(kRoot)) {
            return nullptr;
        }
        auto node = root;
        for (auto rest = std::string_view(path).substr(kRoot.size()); !rest.empty();) {
            rest.remove_prefix(1);
            const auto name = rest.substr(0, rest.find('/'));
            const auto found = node->entries.find(std::string(name));
            if (found == node->entries.end()) {
                return nullptr;
            }
            node = found->second;
            rest.remove_prefix(name.size());
        }
        return node;
    }

    NodePointer make(bool is_directory) const {
        auto node = std::make_shared<Node>();
        node->is_directory = is_directory;
        node->modified_seconds = now_seconds;
        return node;
    }

    /// 0, or why there cannot be a new name.
    int check_new(const std::string& path) const {
        const auto parent = find(parent_of(path));
        if (parent == nullptr) {
            return ENOENT;
        }
        return parent->is_directory ? (parent->entries.contains(name_of(path)) ? EEXIST : 0)
                                    : ENOTDIR;
    }

    void set(const std::string& path, const NodePointer& node) const {
        find(parent_of(path))->set(name_of(path), node);
    }
};

class SimulatedDisk::File : public backend::NewFile {
  public:
    File(SimulatedDisk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}

    int write(ByteView bytes) override {
        return disk_.change(*disk_.state_->lock(), {Kind::Write, path_, {}, to_bytes(bytes)});
    }

    void start_writeback(std::uint64_t /*offset*/, std::uint64_t /*size*/) override {}

    int sync() override {
        return disk_.change(*disk_.state_->lock(), {Kind::SyncFile, path_, {}, {}});
    }

  private:
    SimulatedDisk& disk_;
    std::string path_;
};

class SimulatedDisk::Reader : public backend::OpenFile {
  public:
    Reader(SimulatedDisk& disk, NodePointer node) : disk_(disk), node_(std::move(node)) {}

    backend::FileInfo info() const override {
        const auto guard = disk_.state_->lock();
        return {!node_->is_directory,
                node_->is_directory,
                node_->bytes.size(),
                node_->modified_seconds};
    }

    int read(std::uint64_t offset, std::span<std::byte> out, std::size_t& filled) override {
        const auto guard = disk_.state_->lock();
        const auto all = ByteView(node_->bytes);
        const auto from = all.subspan(std::min<std::uint64_t>(offset, all.size()));
        filled = std::min(from.size(), out.size());
        std::copy_n(from.begin(), filled, out.begin());
        return 0;
    }

  private:
    SimulatedDisk& disk_;
    NodePointer node_;
};

std::string DiskStep::describe() const {
    constexpr std::string_view words[] = {
        "create", "write", "sync", "link", "rename", "unlink", "mkdir", "sync directory"};
    return concat(words[static_cast<std::size_t>(kind)], " ", path, to.empty() ? "" : " to ", to);
}

SimulatedDisk::SimulatedDisk() : state_(std::make_unique<Synchronized<State>>()) {
    auto state = state_->lock();
    state->root = state->make(true);
}

SimulatedDisk::~SimulatedDisk() = default;

int SimulatedDisk::create(const Path& path,
                          unsigned /*mode*/,
                          std::unique_ptr<backend::NewFile>& file) {
    const int error_number = change(*state_->lock(), {Kind::Create, path.native(), {}, {}});
    if (error_number == 0) {
        file = std::make_unique<File>(*this, path.native());
    }
    return error_number;
}

int SimulatedDisk::open(const Path& path, std::unique_ptr<backend::OpenFile>& file) {
    auto node = state_->lock()->find(path.native());
    if (node == nullptr) {
        return ENOENT;
    }
    file = std::make_unique<Reader>(*this, std::move(node));
    return 0;
}

int SimulatedDisk::link(const Path& from, const Path& to) {
    return change(*state_->lock(), {Kind::Link, from.native(), to.native(), {}});
}

int SimulatedDisk::rename_without_overwriting(const Path& from, const Path& to) {
    auto state = state_->lock();
    const int error_number = state->check_new(to.native());
    return error_number != 0 ? error_number
                             : change(*state, {Kind::Rename, from.native(), to.native(), {}});
}

int SimulatedDisk::rename(const Path& from, const Path& to) {
    return change(*state_->lock(), {Kind::Rename, from.native(), to.native(), {}});
}

int SimulatedDisk::unlink(const Path& path) {
    return change(*state_->lock(), {Kind::Unlink, path.native(), {}, {}});
}

int SimulatedDisk::make_directory(const Path& path, unsigned /*mode*/) {
    return change(*state_->lock(), {Kind::MakeDirectory, path.native(), {}, {}});
}

int SimulatedDisk::sync_directory(const Path& path) {
    // What is above the disk was there before it and stays.
    return path.native().size() < kRoot.size()
               ? 0
               : change(*state_->lock(), {Kind::SyncDirectory, path.native(), {}, {}});
}

int SimulatedDisk::stat(const Path& path, backend::FileInfo& info) {
    const auto node = state_->lock()->find(path.native());
    if (node == nullptr) {
        return ENOENT;
    }
    const auto guard = state_->lock();
    info = {!node->is_directory, node->is_directory, node->bytes.size(), node->modified_seconds};
    return 0;
}

int SimulatedDisk::list(const Path& directory, std::vector<std::string>& names) {
    auto state = state_->lock();
    const auto node = state->find(directory.native());
    if (node == nullptr || !node->is_directory) {
        return node == nullptr ? ENOENT : ENOTDIR;
    }
    for (const auto& [name, entry] : node->entries) {
        names.push_back(name);
    }
    return 0;
}

void SimulatedDisk::fail_when(std::function<int(const DiskStep&)> hook) {
    state_->lock()->hook = std::move(hook);
}

void SimulatedDisk::ignore_when(std::function<bool(const DiskStep&)> lie) {
    state_->lock()->lie = std::move(lie);
}

std::vector<DiskStep> SimulatedDisk::steps() const {
    return state_->lock()->steps;
}

std::size_t SimulatedDisk::count_steps() const {
    return state_->lock()->steps.size();
}

void SimulatedDisk::replay(const DiskStep& step) {
    apply(*state_->lock(), step);
}

int SimulatedDisk::change(State& state, DiskStep step) {
    if (const int error_number = state.hook ? state.hook(step) : 0; error_number != 0) {
        lose(state, step);
        return error_number;
    }
    if (state.lie && state.lie(step)) {
        return 0;
    }
    const int error_number = apply(state, step);
    if (error_number == 0) {
        state.steps.push_back(std::move(step));
    }
    return error_number;
}

int SimulatedDisk::apply(State& state, const DiskStep& step) {
    const auto node = state.find(step.path);
    switch (step.kind) {
        case Kind::Create:
        case Kind::MakeDirectory: {
            if (const int error_number = state.check_new(step.path); error_number != 0) {
                return error_number;
            }
            auto made = state.make(step.kind == Kind::MakeDirectory);
            state.set(step.path, made);
            state.created[step.path] = std::move(made);
            return 0;
        }
        case Kind::Write:
            append(state.created.at(step.path)->bytes, step.bytes);
            return 0;
        case Kind::SyncFile: {
            auto& file = *state.created.at(step.path);
            file.durable_bytes = file.is_spoilt ? file.durable_bytes : file.bytes.size();
            return 0;
        }
        case Kind::Link:
        case Kind::Rename: {
            const int error_number = node == nullptr ? ENOENT : state.check_new(step.to);
            if (error_number != 0 && (error_number != EEXIST || step.kind == Kind::Link)) {
                return error_number;
            }
            state.set(step.to, node);
            if (step.kind == Kind::Rename) {
                state.set(step.path, nullptr);
            }
            return 0;
        }
        case Kind::Unlink:
            if (node == nullptr || node->is_directory) {
                return node == nullptr ? ENOENT : EISDIR;
            }
            state.set(step.path, nullptr);
            return 0;
        case Kind::SyncDirectory:
            if (node == nullptr || !node->is_directory) {
                return node == nullptr ? ENOENT : ENOTDIR;
            }
            node->history.clear();
            return 0;
    }
    return EINVAL;
}

void SimulatedDisk::lose(State& state, const DiskStep& step) {
    if (step.kind == Kind::Write) {
        append(state.created.at(step.path)->bytes,
               ByteView(step.bytes).first(step.bytes.size() / 2));
    } else if (step.kind == Kind::SyncFile) {
        state.created.at(step.path)->is_spoilt = true;
    }
}

namespace {

/// What is on the disk of bytes of which only the first `durable` were synced.
Bytes survive(const Bytes& bytes, std::size_t durable, Survival survival) {
    auto left = bytes;
    if (survival == Survival::Nothing) {
        left.resize(durable);
    } else if (survival == Survival::Half) {
        left.resize(durable + (bytes.size() - durable) / 2);
    } else if (survival == Survival::Zeros) {
        std::fill(left.begin() + static_cast<std::ptrdiff_t>(durable), left.end(), std::byte{});
    }
    return left;
}

}  // namespace

/// Copies what survives; a file with two names stays one.
class SimulatedDisk::Survivors {
  public:
    explicit Survivors(const PowerCut& cut) : cut_(cut) {}

    NodePointer copy(const Node& from, const std::string& path) {
        auto& made = made_[&from];
        if (made != nullptr) {
            return made;
        }
        made = std::make_shared<Node>();
        made->is_directory = from.is_directory;
        made->modified_seconds = from.modified_seconds;
        if (!from.is_directory) {
            const bool is_durable = from.bytes.size() == from.durable_bytes;
            made->bytes =
                is_durable ? from.bytes : survive(from.bytes, from.durable_bytes, cut_.data(path));
            made->durable_bytes = made->bytes.size();
            return made;
        }
        const auto directory = made;
        auto entries = from.entries;
        for (const auto& [name, past] : from.history) {
            entries[name] = past.at(cut_.name(concat(path, "/", name), past.size() - 1));
        }
        for (const auto& [name, node] : entries) {
            if (node != nullptr) {
                directory->entries[name] = copy(*node, concat(path, "/", name));
            }
        }
        return directory;
    }

  private:
    const PowerCut& cut_;
    std::map<const Node*, NodePointer> made_;
};

std::shared_ptr<SimulatedDisk> SimulatedDisk::after_power_cut(const PowerCut& cut) const {
    auto disk = std::make_shared<SimulatedDisk>();
    auto state = state_->lock();
    auto left = disk->state_->lock();
    left->root = Survivors(cut).copy(*state->root, std::string(kRoot));
    left->now_seconds = state->now_seconds;
    return disk;
}

std::vector<std::string> SimulatedDisk::list_unsynced_names() const {
    std::vector<std::string> names;
    auto state = state_->lock();
    visit(*state->root, std::string(kRoot), [&names](const std::string& path, const Node& node) {
        for (const auto& [name, past] : node.history) {
            names.push_back(concat(path, "/", name));
        }
    });
    return names;
}

std::string SimulatedDisk::fingerprint() const {
    std::string text;
    auto state = state_->lock();
    visit(*state->root, std::string(kRoot), [&text](const std::string& path, const Node& node) {
        if (!name_of(path).starts_with("tmp-")) {
            const auto hash = std::hash<std::string_view>()(as_text(node.bytes));
            text += concat(path, " ", node.bytes.size(), " ", hash, "\n");
        }
    });
    return text;
}

void SimulatedDisk::visit(const Node& node,
                          const std::string& path,
                          const std::function<void(const std::string&, const Node&)>& visitor) {
    visitor(path, node);
    for (const auto& [name, entry] : node.entries) {
        visit(*entry, concat(path, "/", name), visitor);
    }
}

void SimulatedDisk::advance(std::int64_t seconds) {
    state_->lock()->now_seconds += seconds;
}

}  // namespace backup::testing
