// SPDX-License-Identifier: Apache-2.0
#include "core/capture/read_rate.hpp"

#include <algorithm>

namespace backup::capture {

std::uint64_t ReadRate::divide(std::size_t readers) const {
    return std::max<std::uint64_t>(bytes_per_second_ / std::max<std::size_t>(readers, 1), 1);
}

ReadRate::Share::~Share() {
    end();
}

void ReadRate::Share::begin() {
    {
        auto readers = rate_.readers_.lock();
        if (phase_ != Phase::Waits) {
            return;
        }
        phase_ = Phase::Reads;
        ++*readers;
    }
    rate_.changed_.notify_all();
}

void ReadRate::Share::end() {
    {
        auto readers = rate_.readers_.lock();
        *readers -= phase_ == Phase::Reads ? 1U : 0U;
        phase_ = Phase::Ended;
    }
    rate_.changed_.notify_all();
}

std::uint64_t ReadRate::Share::part() const {
    auto readers = rate_.readers_.lock();
    return rate_.divide(*readers + (phase_ == Phase::Reads ? 0U : 1U));
}

std::optional<std::uint64_t> ReadRate::Share::wait_for_change(std::uint64_t known,
                                                              const std::stop_token& stop) const {
    auto readers = rate_.readers_.lock();
    const bool is_news = rate_.changed_.wait(readers.guard(), stop, [&] {
        return phase_ == Phase::Ended ||
               (phase_ == Phase::Reads && rate_.divide(*readers) != known);
    });
    if (!is_news || phase_ == Phase::Ended) {
        return std::nullopt;
    }
    return rate_.divide(*readers);
}

}  // namespace backup::capture
