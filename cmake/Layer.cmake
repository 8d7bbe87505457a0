# backup_layer(NAME <layer> SOURCES <files> DEPENDS <layers> PRIVATE <packages>)
#
# One static library for each layer. DEPENDS is the row of the table in docs/architecture.md; the
# include check (tests/checks/layers.txt) holds the sources to the same table.
function(backup_layer)
    cmake_parse_arguments(LAYER "" "NAME" "SOURCES;DEPENDS;PRIVATE" ${ARGN})
    set(target backup_${LAYER_NAME})
    add_library(${target} STATIC ${LAYER_SOURCES})
    add_library(backup::${LAYER_NAME} ALIAS ${target})
    target_compile_features(${target} PUBLIC cxx_std_20)
    set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
    target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR})
    target_link_libraries(${target} PRIVATE backup_warnings ${LAYER_PRIVATE})
    foreach(layer IN LISTS LAYER_DEPENDS)
        target_link_libraries(${target} PUBLIC backup::${layer})
    endforeach()
endfunction()
