# Programs that test an allocator from outside: plain programs, run with the library preloaded.
#
# TARN_SUBJECT names the library they run on. Empty: Tarn's own. "system": nothing is preloaded, so
# that a test can be tried against the C library's malloc. Anything else: the path of a library, so
# that a test can be tried against a peer.
include_guard(DIRECTORY)
enable_language(CXX)

set(TARN_SUBJECT "" CACHE STRING "Library the tests preload instead of Tarn's (\"system\": none)")

if(TARN_SUBJECT STREQUAL "system")
    set(TARN_SUBJECT_FILE "")
elseif(TARN_SUBJECT)
    set(TARN_SUBJECT_FILE ${TARN_SUBJECT})
elseif(TARGET tarn)
    set(TARN_SUBJECT_FILE $<TARGET_FILE:tarn>)
else()
    set(TARN_SUBJECT_FILE "")
endif()

find_program(TARN_PYTHON NAMES python3 REQUIRED)

# tarn_subject_program(<name> <source>...): builds build/tests/<room>/<name>. The compiler is told
# not to know malloc, or it would remove the calls that are the test.
function(tarn_subject_program name)
    get_filename_component(room ${CMAKE_CURRENT_SOURCE_DIR} NAME)
    add_executable(${room}-${name} ${ARGN})
    set_target_properties(${room}-${name} PROPERTIES
        OUTPUT_NAME ${name}
        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/${room}
        CXX_STANDARD 17 CXX_EXTENSIONS OFF)
    target_include_directories(${room}-${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
    target_compile_definitions(${room}-${name} PRIVATE _GNU_SOURCE)
    target_compile_options(${room}-${name} PRIVATE
        -fno-builtin -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-deprecated-declarations
        $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes>
        $<$<BOOL:${TARN_WERROR}>:-Werror>)
    target_link_libraries(${room}-${name} PRIVATE pthread ${CMAKE_DL_LIBS})
endfunction()

# tarn_subject_test(<test> <program> TIMEOUT <seconds> [ARGS ...]): runs a program of this room with
# the subject preloaded. A program that ends with 77 says on stderr what it lacks: skipped.
function(tarn_subject_test test program)
    cmake_parse_arguments(arg "" "TIMEOUT" "ARGS" ${ARGN})
    get_filename_component(room ${CMAKE_CURRENT_SOURCE_DIR} NAME)
    add_test(NAME ${room}.${test} COMMAND ${room}-${program} ${arg_ARGS})
    set_tests_properties(${room}.${test} PROPERTIES
        LABELS ${room} TIMEOUT ${arg_TIMEOUT} SKIP_RETURN_CODE 77
        ENVIRONMENT "LD_PRELOAD=${TARN_SUBJECT_FILE};TARN_TEST_SUBJECT=${TARN_SUBJECT_FILE}")
endfunction()

# tarn_script_test(<test> TIMEOUT <seconds> COMMAND ...): runs a script that preloads by itself.
function(tarn_script_test test)
    cmake_parse_arguments(arg "" "TIMEOUT" "COMMAND" ${ARGN})
    get_filename_component(room ${CMAKE_CURRENT_SOURCE_DIR} NAME)
    add_test(NAME ${room}.${test} COMMAND ${arg_COMMAND})
    set_tests_properties(${room}.${test} PROPERTIES
        LABELS ${room} TIMEOUT ${arg_TIMEOUT} SKIP_RETURN_CODE 77
        ENVIRONMENT "TARN_TEST_SUBJECT=${TARN_SUBJECT_FILE};PYTHONDONTWRITEBYTECODE=1")
endfunction()
