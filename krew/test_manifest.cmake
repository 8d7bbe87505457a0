# Makes a manifest from a small archive and holds it against what Krew's validation asks for
# (krew pkg/index, internal/index/validation).
cmake_minimum_required(VERSION 3.25)
include(${CMAKE_CURRENT_LIST_DIR}/../cmake/Version.cmake)

file(MAKE_DIRECTORY ${WORK})
file(WRITE ${WORK}/a_linux_amd64.tar.gz "archive")
execute_process(
    COMMAND ${CMAKE_COMMAND} "-DARCHIVES=linux/amd64=${WORK}/a_linux_amd64.tar.gz"
            -DDOWNLOAD_URL=https://example.org/v1 -DHOMEPAGE=https://example.org
            -DOUTPUT=${WORK}/backup.yaml -P ${CMAKE_CURRENT_LIST_DIR}/make_manifest.cmake
    COMMAND_ERROR_IS_FATAL ANY)
file(READ ${WORK}/backup.yaml manifest)

# printf archive | sha256sum
set(checksum 0eb3e36bfb24dcd9bb1d1bece1531216b59539a8fde17ee80224af0653c92aa3)
foreach(line
        "apiVersion: krew.googlecontainertools.github.com/v1alpha2"
        "kind: Plugin"
        "  name: backup"
        "  version: v${BACKUP_VERSION}"
        "  homepage: https://example.org"
        "        os: linux"
        "        arch: amd64"
        "    uri: https://example.org/v1/a_linux_amd64.tar.gz"
        "    sha256: ${checksum}"
        "    bin: kubectl-backup")
    string(FIND "\n${manifest}" "\n${line}\n" at)
    if(at EQUAL -1)
        message(FATAL_ERROR "the manifest lacks the line: ${line}")
    endif()
endforeach()
if(manifest MATCHES "@[A-Z_]+@")
    message(FATAL_ERROR "something was not filled in: ${CMAKE_MATCH_0}")
endif()
string(REGEX MATCH "shortDescription: ([^\n]*)" unused "${manifest}")
string(LENGTH "${CMAKE_MATCH_1}" length)
if(length GREATER 50)
    message(FATAL_ERROR "shortDescription has ${length} characters, Krew asks for 50 at most")
endif()
