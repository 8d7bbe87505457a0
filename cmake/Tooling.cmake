# `cmake --build --preset dev --target format`: rewrites the sources; `format-check` only looks.
find_program(CLANG_FORMAT NAMES clang-format-14 clang-format)
if(CLANG_FORMAT)
    set(format_script "git ls-files -co --exclude-standard '*.cpp' '*.hpp' | xargs -r ${CLANG_FORMAT}")
    add_custom_target(format COMMAND sh -c "${format_script} -i"
                      WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} VERBATIM)
    add_custom_target(format-check COMMAND sh -c "${format_script} --dry-run -Werror"
                      WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} VERBATIM)
endif()
find_program(RUN_CLANG_TIDY NAMES run-clang-tidy-14 run-clang-tidy)
if(RUN_CLANG_TIDY)
    add_custom_target(tidy COMMAND ${RUN_CLANG_TIDY} -quiet -p ${CMAKE_BINARY_DIR}
                      "${PROJECT_SOURCE_DIR}/(core|plugin|fuse)/.*"
                      WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} VERBATIM)
endif()
