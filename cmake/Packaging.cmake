# `cmake --install` and `cpack -G DEB`: both programs, completion for three shells and for kubectl
# itself, man pages, the licence. Target krew-archive makes the archive krew/backup.yaml.in names.
include(GNUInstallDirs)

set(shipped_programs kubectl-backup)
if(TARGET kubectl-backup-mount)
    list(APPEND shipped_programs kubectl-backup-mount)
endif()
install(TARGETS ${shipped_programs} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

# The program prints its own completion scripts; when it cannot run here (cross compiling) they are
# left out.
if(NOT CMAKE_CROSSCOMPILING)
    set(completions ${CMAKE_BINARY_DIR}/completions)
    set(completion_files)
    foreach(shell bash zsh fish kubectl)
        add_custom_command(
            OUTPUT ${completions}/${shell}
            COMMAND ${CMAKE_COMMAND} -E make_directory ${completions}
            COMMAND kubectl-backup completion ${shell} > ${completions}/${shell}
            DEPENDS kubectl-backup VERBATIM)
        list(APPEND completion_files ${completions}/${shell})
    endforeach()
    add_custom_target(completions ALL DEPENDS ${completion_files})
    install(FILES ${completions}/bash RENAME kubectl-backup
            DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
    install(FILES ${completions}/zsh RENAME _kubectl-backup
            DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
    install(FILES ${completions}/fish RENAME kubectl-backup.fish
            DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
    install(PROGRAMS ${completions}/kubectl RENAME kubectl_complete-backup
            DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1
        FILES_MATCHING PATTERN "*.1")
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)

# The archive of a release for Krew: regular files only, the licence among them.
string(TOLOWER "${CMAKE_SYSTEM_NAME}" krew_os)
set(krew_arch ${CMAKE_SYSTEM_PROCESSOR})
string(REPLACE "x86_64" "amd64" krew_arch "${krew_arch}")
string(REPLACE "aarch64" "arm64" krew_arch "${krew_arch}")
set(krew_archive ${CMAKE_BINARY_DIR}/kubectl-backup_${krew_os}_${krew_arch}.tar.gz)
set(krew_files)
set(krew_strip)
foreach(program IN LISTS shipped_programs)
    list(APPEND krew_files $<TARGET_FILE:${program}>)
    list(APPEND krew_strip ${CMAKE_BINARY_DIR}/krew/${program})
endforeach()
add_custom_target(
    krew-archive
    COMMAND ${CMAKE_COMMAND} -E rm -rf ${CMAKE_BINARY_DIR}/krew
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/krew
    COMMAND ${CMAKE_COMMAND} -E copy ${krew_files} ${PROJECT_SOURCE_DIR}/LICENSE
            ${CMAKE_BINARY_DIR}/krew
    COMMAND ${CMAKE_STRIP} ${krew_strip}
    COMMAND ${CMAKE_COMMAND} -E chdir ${CMAKE_BINARY_DIR}/krew ${CMAKE_COMMAND} -E tar czf
            ${krew_archive} .
    DEPENDS ${shipped_programs} VERBATIM)

if(BACKUP_TESTS)
    add_test(NAME krew_manifest
             COMMAND ${CMAKE_COMMAND} -DWORK=${CMAKE_BINARY_DIR}/krew_test
                     -P ${PROJECT_SOURCE_DIR}/krew/test_manifest.cmake)
    set_tests_properties(krew_manifest PROPERTIES LABELS unit)
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME kubectl-backup)
set(CPACK_PACKAGE_VERSION ${BACKUP_VERSION})
set(CPACK_PACKAGE_CONTACT "kubectl-backup maintainers")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Backup and file-level restore for Kubernetes namespaces")
set(CPACK_STRIP_FILES ON)
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_DEPENDS fuse3)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
include(CPack)
