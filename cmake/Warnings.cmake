add_library(backup_warnings INTERFACE)
target_compile_options(backup_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor
    -Woverloaded-virtual -Wold-style-cast -Wimplicit-fallthrough
    # Designated initialisers leave out on purpose what keeps its default.
    -Wno-missing-field-initializers
    $<$<BOOL:${BACKUP_WERROR}>:-Werror>)
