# Makes the Krew manifest of a release:
#
#   cmake -DARCHIVES="linux/amd64=build/kubectl-backup_linux_amd64.tar.gz" \
#         -DDOWNLOAD_URL=https://.../download/v0.1.0 -DHOMEPAGE=https://... \
#         -DOUTPUT=backup.yaml -P krew/make_manifest.cmake
#
# ARCHIVES is a list os/arch=file; each file is expected at DOWNLOAD_URL/<its name>. The version comes
# from cmake/Version.cmake, the checksums from the files.
cmake_minimum_required(VERSION 3.25)
include(${CMAKE_CURRENT_LIST_DIR}/../cmake/Version.cmake)

foreach(needed ARCHIVES DOWNLOAD_URL HOMEPAGE OUTPUT)
    if(NOT ${needed})
        message(FATAL_ERROR "-D${needed}=... is missing")
    endif()
endforeach()

set(PLATFORMS "")
foreach(archive IN LISTS ARCHIVES)
    if(NOT archive MATCHES "^([a-z]+)/([a-z0-9]+)=(.+)$")
        message(FATAL_ERROR "not os/arch=file: ${archive}")
    endif()
    set(os ${CMAKE_MATCH_1})
    set(arch ${CMAKE_MATCH_2})
    set(file ${CMAKE_MATCH_3})
    file(SHA256 "${file}" checksum)
    cmake_path(GET file FILENAME name)
    string(APPEND PLATFORMS
        "  - selector:\n"
        "      matchLabels:\n"
        "        os: ${os}\n"
        "        arch: ${arch}\n"
        "    uri: ${DOWNLOAD_URL}/${name}\n"
        "    sha256: ${checksum}\n"
        "    bin: kubectl-backup\n")
endforeach()
string(REGEX REPLACE "\n$" "" PLATFORMS "${PLATFORMS}")
configure_file(${CMAKE_CURRENT_LIST_DIR}/backup.yaml.in "${OUTPUT}" @ONLY)
