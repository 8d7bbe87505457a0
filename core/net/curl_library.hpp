// SPDX-License-Identifier: Apache-2.0
// libcurl, loaded when the first connection is made (docs/adr/0008): it brings some thirty other
// libraries, and reading them takes longer than most commands that call no server.
#pragma once

// The checks of its macros need the functions themselves.
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

namespace backup::net {

/// The functions of libcurl under their names without "curl_".
struct CurlLibrary {
    decltype(&::curl_global_init) global_init;
    decltype(&::curl_easy_init) easy_init;
    decltype(&::curl_easy_cleanup) easy_cleanup;
    decltype(&::curl_easy_reset) easy_reset;
    decltype(&::curl_easy_setopt) easy_setopt;
    decltype(&::curl_easy_getinfo) easy_getinfo;
    decltype(&::curl_easy_strerror) easy_strerror;
    decltype(&::curl_easy_send) easy_send;
    decltype(&::curl_easy_recv) easy_recv;
    decltype(&::curl_multi_init) multi_init;
    decltype(&::curl_multi_cleanup) multi_cleanup;
    decltype(&::curl_multi_add_handle) multi_add_handle;
    decltype(&::curl_multi_remove_handle) multi_remove_handle;
    decltype(&::curl_multi_perform) multi_perform;
    decltype(&::curl_multi_poll) multi_poll;
    decltype(&::curl_multi_wakeup) multi_wakeup;
    decltype(&::curl_multi_info_read) multi_info_read;
    decltype(&::curl_multi_strerror) multi_strerror;
    decltype(&::curl_share_init) share_init;
    decltype(&::curl_share_setopt) share_setopt;
    decltype(&::curl_share_cleanup) share_cleanup;
    decltype(&::curl_slist_append) slist_append;
    decltype(&::curl_slist_free_all) slist_free_all;
};

/// Loads the library at the first call and leaves it there; any thread. Throws Unsupported when
/// the machine has none, or one older than 7.88.
const CurlLibrary& curl();

}  // namespace backup::net
