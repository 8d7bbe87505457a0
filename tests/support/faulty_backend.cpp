// SPDX-License-Identifier: Apache-2.0
#include "tests/support/faulty_backend.hpp"

#include "core/base/error.hpp"

namespace backup::testing {

class FaultyBackend::Writer : public backend::BlobWriter {
  public:
    Writer(FaultyBackend& backend, std::unique_ptr<backend::BlobWriter> inner)
        : backend_(backend),
          inner_(std::move(inner)) {}

    void write(ByteView bytes) override {
        const auto fault = backend_.begin_call();
        inner_->write(fault == Fault::Torn ? bytes.first(bytes.size() / 2) : bytes);
        backend_.end_call(fault);
    }

    void commit(std::string_view name) override {
        const auto fault = backend_.begin_call();
        if (fault != Fault::Torn) {
            inner_->commit(name);
            backend_.note_unsynced(name);
        }
        backend_.end_call(fault);
    }

  private:
    FaultyBackend& backend_;
    std::unique_ptr<backend::BlobWriter> inner_;
};

void FaultyBackend::fail_from(std::uint64_t number, Fault fault, ErrorCode code) {
    calls_ = 0;
    failing_call_ = number;
    fault_ = fault;
    code_ = code;
}

void FaultyBackend::delay(std::uint64_t number, std::function<void()> meanwhile) {
    calls_ = 0;
    delayed_call_ = number;
    meanwhile_ = std::move(meanwhile);
}

void FaultyBackend::lose_power(SeededRandom& random) {
    auto unsynced = unsynced_.lock();
    for (const auto& name : unsynced->added) {
        if (random.chance(2)) {
            memory.remove(name);
        }
    }
    for (const auto& [name, bytes] : unsynced->removed) {
        if (random.chance(2)) {
            memory.put(name, bytes);
        }
    }
    *unsynced = {};
}

std::unique_ptr<backend::BlobWriter> FaultyBackend::create(std::string_view folder) {
    const auto fault = begin_call();
    auto writer = std::make_unique<Writer>(*this, memory.create(folder));
    end_call(fault);
    return writer;
}

void FaultyBackend::put(std::string_view name, ByteView bytes, bool exclusive) {
    const auto fault = begin_call();
    if (fault != Fault::Torn) {
        memory.put(name, bytes, exclusive);
        note_unsynced(name);
    }
    end_call(fault);
}

void FaultyBackend::sync() {
    const auto fault = begin_call();
    if (fault == Fault::None || fault == Fault::After) {
        *unsynced_.lock() = {};
    }
    end_call(fault);
}

void FaultyBackend::pass(backend::StorageCall /*call*/,
                         std::string_view /*blob*/,
                         const std::function<void()>& effect) {
    end_call(begin_call());
    effect();
}

void FaultyBackend::remove(std::string_view name) {
    const auto fault = begin_call();
    auto unsynced = unsynced_.lock();
    const bool was_durable = unsynced->added.erase(std::string(name)) == 0;
    if (was_durable && memory.exists(name)) {
        unsynced->removed.emplace(name, memory.get(name));
    }
    memory.remove(name);
    end_call(fault);
}

Fault FaultyBackend::begin_call() {
    const auto number = ++calls_;
    if (number == delayed_call_) {
        meanwhile_();
    }
    const bool is_over = fault_ == Fault::Once && number > failing_call_;
    if (failing_call_ == 0 || number < failing_call_ || is_over) {
        return Fault::None;
    }
    if (number > failing_call_ || fault_ == Fault::Before || fault_ == Fault::Once) {
        throw Error(code_, "a fault the test asked for");
    }
    return fault_;
}

void FaultyBackend::end_call(Fault fault) {
    if (fault != Fault::None) {
        throw Error(code_, "a fault the test asked for");
    }
}

void FaultyBackend::note_unsynced(std::string_view name) {
    auto unsynced = unsynced_.lock();
    unsynced->added.emplace(name);
}

}  // namespace backup::testing
