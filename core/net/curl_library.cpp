// SPDX-License-Identifier: Apache-2.0
#include "core/net/curl_library.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <dlfcn.h>

namespace backup::net {

namespace {

// The ABI since libcurl 7.16 (https://curl.se/libcurl/abi.html).
constexpr const char* kFile = "libcurl.so.4";
constexpr unsigned kOldest = 0x075800;  // 7.88.0, as LIBCURL_VERSION_NUM

[[noreturn]] void refuse(std::string why) {
    throw Error(ErrorCode::Unsupported, std::move(why))
        .hint("install libcurl 7.88 or newer (Debian, Ubuntu: libcurl4; Fedora: libcurl)");
}

std::string last_error() {
    const char* text = dlerror();
    return text != nullptr ? text : "unknown error";
}

template <typename Function>
Function find(void* library, const char* name) {
    auto* found = dlsym(library, name);
    if (found == nullptr) {
        refuse(last_error());
    }
    return reinterpret_cast<Function>(found);
}

CurlLibrary load() {
    auto* library = dlopen(kFile, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        refuse(concat("what speaks with servers cannot be loaded: ", last_error()));
    }
    const auto version_info = find<decltype(&::curl_version_info)>(library, "curl_version_info");
    if (const auto* version = version_info(CURLVERSION_NOW); version->version_num < kOldest) {
        refuse(concat(kFile, " is of version ", version->version, ", which is too old"));
    }
    CurlLibrary functions{};
    const auto take = [library](auto& function, const char* name) {
        function = find<std::remove_reference_t<decltype(function)>>(library, name);
    };
    take(functions.global_init, "curl_global_init");
    take(functions.easy_init, "curl_easy_init");
    take(functions.easy_cleanup, "curl_easy_cleanup");
    take(functions.easy_reset, "curl_easy_reset");
    take(functions.easy_setopt, "curl_easy_setopt");
    take(functions.easy_getinfo, "curl_easy_getinfo");
    take(functions.easy_strerror, "curl_easy_strerror");
    take(functions.easy_send, "curl_easy_send");
    take(functions.easy_recv, "curl_easy_recv");
    take(functions.multi_init, "curl_multi_init");
    take(functions.multi_cleanup, "curl_multi_cleanup");
    take(functions.multi_add_handle, "curl_multi_add_handle");
    take(functions.multi_remove_handle, "curl_multi_remove_handle");
    take(functions.multi_perform, "curl_multi_perform");
    take(functions.multi_poll, "curl_multi_poll");
    take(functions.multi_wakeup, "curl_multi_wakeup");
    take(functions.multi_info_read, "curl_multi_info_read");
    take(functions.multi_strerror, "curl_multi_strerror");
    take(functions.share_init, "curl_share_init");
    take(functions.share_setopt, "curl_share_setopt");
    take(functions.share_cleanup, "curl_share_cleanup");
    take(functions.slist_append, "curl_slist_append");
    take(functions.slist_free_all, "curl_slist_free_all");
    // As its documentation asks: before any other function, by one thread.
    functions.global_init(CURL_GLOBAL_DEFAULT);
    return functions;
}

}  // namespace

const CurlLibrary& curl() {
    static const CurlLibrary library = load();
    return library;
}

}  // namespace backup::net
