# backup_test(NAME <name> LABEL <kind> SOURCES <files> [LIBRARIES <targets>] [TIMEOUT <seconds>])
#
# One Catch2 executable, one entry in ctest. An exit code of 77 counts as skipped.
function(backup_test)
    cmake_parse_arguments(TEST "" "NAME;LABEL;TIMEOUT" "SOURCES;LIBRARIES" ${ARGN})
    if(NOT TEST_TIMEOUT)
        set(TEST_TIMEOUT 600)
    endif()
    if(BACKUP_SANITIZE)
        math(EXPR TEST_TIMEOUT "${TEST_TIMEOUT} * 5")
    endif()
    if(BACKUP_LONG_TESTS)
        math(EXPR TEST_TIMEOUT "${TEST_TIMEOUT} * 60")
    endif()
    add_executable(${TEST_NAME} ${TEST_SOURCES})
    target_link_libraries(${TEST_NAME} PRIVATE backup_warnings backup_test_support ${TEST_LIBRARIES})
    add_test(NAME ${TEST_NAME} COMMAND ${TEST_NAME})
    set_tests_properties(${TEST_NAME} PROPERTIES LABELS "${TEST_LABEL}" TIMEOUT ${TEST_TIMEOUT}
                                                 SKIP_RETURN_CODE 77)
    # Always the same random numbers: a failure is news about the change, not about the day. What
    # runs long draws others every time.
    if(NOT BACKUP_LONG_TESTS)
        set_tests_properties(${TEST_NAME} PROPERTIES ENVIRONMENT BACKUP_SEED=1)
    endif()
endfunction()

# backup_unit_tests(LAYER <layer> [NAME <part>] SOURCES <files> [LIBRARIES <targets>])
#
# The unit tests of a layer: unit_<layer>, or unit_<part> for a part of one. It links that layer and what is below it, so that a call
# to a layer above does not link.
function(backup_unit_tests)
    cmake_parse_arguments(UNIT "" "LAYER;NAME" "SOURCES;LIBRARIES" ${ARGN})
    if(NOT UNIT_NAME)
        set(UNIT_NAME ${UNIT_LAYER})
    endif()
    if(NOT TARGET backup::${UNIT_LAYER})
        message(WARNING "the unit tests of ${UNIT_NAME} are left out: there is no such layer")
        return()
    endif()
    backup_test(NAME unit_${UNIT_NAME} LABEL unit SOURCES ${UNIT_SOURCES}
                LIBRARIES backup::${UNIT_LAYER} ${UNIT_LIBRARIES})
endfunction()

# backup_fuzz_target(NAME <parser> SOURCES <files> [LIBRARIES <targets>])
#
# A file with LLVMFuzzerTestOneInput. Every compiler builds replay_<parser>, which feeds it the corpus
# in tests/fuzz/corpus/<parser> and variations of it; with BACKUP_FUZZ (clang) also fuzz_<parser>, to
# be run by hand: fuzz_<parser> -max_total_time=600 tests/fuzz/corpus/<parser>
function(backup_fuzz_target)
    cmake_parse_arguments(FUZZ "" "NAME" "SOURCES;LIBRARIES" ${ARGN})
    add_executable(replay_${FUZZ_NAME} ${FUZZ_SOURCES} ${BACKUP_TESTS_DIR}/fuzz/replay_main.cpp)
    target_compile_features(replay_${FUZZ_NAME} PRIVATE cxx_std_20)
    target_link_libraries(replay_${FUZZ_NAME} PRIVATE backup_warnings ${FUZZ_LIBRARIES})
    add_test(NAME fuzz_replay_${FUZZ_NAME}
             COMMAND replay_${FUZZ_NAME} ${BACKUP_TESTS_DIR}/fuzz/corpus/${FUZZ_NAME})
    set_tests_properties(fuzz_replay_${FUZZ_NAME} PROPERTIES LABELS fuzz-replay TIMEOUT 120)
    if(BACKUP_FUZZ)
        add_executable(fuzz_${FUZZ_NAME} ${FUZZ_SOURCES})
        target_link_libraries(fuzz_${FUZZ_NAME} PRIVATE backup_warnings ${FUZZ_LIBRARIES})
        target_link_options(fuzz_${FUZZ_NAME} PRIVATE -fsanitize=fuzzer)
    endif()
endfunction()
