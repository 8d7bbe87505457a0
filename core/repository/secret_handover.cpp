// SPDX-License-Identifier: Apache-2.0
#include "core/repository/secret_handover.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace backup::repository {

namespace {

constexpr std::string_view kKeyFileMark = "key-file\n";
constexpr std::string_view kPassphraseMark = "passphrase\n";
// Below the capacity of a pipe, so that writing never waits for a reader.
constexpr std::size_t kLongestSecret = 4096;

}  // namespace

FileDescriptor hand_over_secret(const Secret& secret) {
    const auto text = secret.key_file
                          ? concat(kKeyFileMark, format_key_file(*secret.key_file))
                          : concat(kPassphraseMark, secret.passphrase.value_or(std::string()));
    if (text.size() > kLongestSecret) {
        throw Error(ErrorCode::InvalidArgument, "the passphrase is too long");
    }
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        throw system_error(errno, "make a pipe");
    }
    FileDescriptor reading(ends[0]);
    const FileDescriptor writing(ends[1]);
    write_all(writing.get(), as_bytes(text), "hand over the key");
    if (::fcntl(reading.get(), F_SETFD, 0) != 0) {
        throw system_error(errno, "hand over the key");
    }
    return reading;
}

Secret take_secret(FileDescriptor pipe) {
    Bytes bytes(kLongestSecret);
    bytes.resize(read_up_to(pipe.get(), bytes, "take over the key"));
    const auto text = as_text(bytes);
    Secret secret;
    if (text.starts_with(kKeyFileMark)) {
        secret.key_file = parse_key_file(text.substr(kKeyFileMark.size()));
    } else if (text.starts_with(kPassphraseMark)) {
        secret.passphrase = std::string(text.substr(kPassphraseMark.size()));
    } else {
        throw Error(ErrorCode::WrongKey, "no key was handed over");
    }
    return secret;
}

}  // namespace backup::repository
