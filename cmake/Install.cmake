# What `cmake --install` and `make install` put below the prefix: libraries, headers, the compat rooms'
# headers each in a folder of its own, pkg-config files, the CMake package, and the pages. Nothing of it
# names the prefix, so an installed tree may be moved.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(TARN_COMPAT_ROOMS kore cork pmemcto pma plan9)
set(TARN_PKGCONFIG_DIR ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
set(TARN_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/tarn)

install(TARGETS tarn-quick tarn-quick-names ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
foreach(room ${TARN_COMPAT_ROOMS})
    install(TARGETS tarn-${room} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
    set(headers ${PROJECT_SOURCE_DIR}/compat/${room}/include/)
    if(NOT IS_DIRECTORY ${headers})
        set(headers ${PROJECT_SOURCE_DIR}/compat/${room}/)
    endif()
    install(DIRECTORY ${headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tarn-compat/${room}
        FILES_MATCHING PATTERN "*.h")
endforeach()

# From a folder of the prefix back to it: "../../.." and so on.
string(REGEX REPLACE "[^/]+" ".." TARN_PC_PREFIX ${TARN_PKGCONFIG_DIR})

# tarn_pkgconfig(<name> <description> <requires> <library flags> <private flags> <header folder>)
function(tarn_pkgconfig PC_NAME PC_DESCRIPTION PC_REQUIRES PC_LIBS PC_PRIVATE PC_FOLDER)
    configure_file(${PROJECT_SOURCE_DIR}/cmake/package/pkgconfig.pc.in
        ${PROJECT_BINARY_DIR}/package/${PC_NAME}.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/package/${PC_NAME}.pc DESTINATION ${TARN_PKGCONFIG_DIR})
endfunction()

tarn_pkgconfig(tarn "Memory allocator: process heap, heaps of one's own, pools, persistent heaps"
    "" "-ltarn" "-pthread -Wl,-u,backtrace" "")
tarn_pkgconfig(tarn-quick "Freestanding heap in bounded time" "" "-ltarn-quick" "" "")
tarn_pkgconfig(tarn-kore "Kore's memory calls on Tarn" "tarn" "-ltarn-kore" "-pthread"
    "/tarn-compat/kore")
tarn_pkgconfig(tarn-cork "libcork's memory pools on Tarn" "tarn" "-ltarn-cork" "" "/tarn-compat/cork")
tarn_pkgconfig(tarn-pmemcto "libpmemcto's interface on Tarn" "tarn" "-ltarn-pmemcto" "-pthread"
    "/tarn-compat/pmemcto")
tarn_pkgconfig(tarn-pma "gawk's persistent malloc on Tarn" "tarn" "-ltarn-pma" ""
    "/tarn-compat/pma")
tarn_pkgconfig(tarn-plan9 "A Plan 9 kernel's allocator on Tarn's freestanding heap" ""
    "-ltarn-plan9" "" "/tarn-compat/plan9")

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/package/tarn-config.cmake.in
    ${PROJECT_BINARY_DIR}/package/tarn-config.cmake
    INSTALL_DESTINATION ${TARN_PACKAGE_DIR}
    PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/tarn-config-version.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/package/tarn-config.cmake
    ${PROJECT_BINARY_DIR}/package/tarn-config-version.cmake DESTINATION ${TARN_PACKAGE_DIR})

install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}
    FILES_MATCHING PATTERN "*.md")
install(FILES ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/LICENSE
    DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples DESTINATION ${CMAKE_INSTALL_DOCDIR}
    FILES_MATCHING PATTERN "*.c" PATTERN "*.cc")

# The manual, from the headers, docs/ and the command's --help.
find_program(TARN_PYTHON NAMES python3)
if(TARN_PYTHON AND TARN_TOOLS AND NOT CMAKE_CROSSCOMPILING AND NOT TARN_SANITIZE)
    file(GLOB TARN_MANUAL_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/man/*
        ${PROJECT_SOURCE_DIR}/include/tarn/* ${PROJECT_SOURCE_DIR}/docs/*.md)
    list(FILTER TARN_MANUAL_SOURCES EXCLUDE REGEX "__pycache__")
    add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/man/written
        COMMAND ${CMAKE_COMMAND} -E rm -rf ${PROJECT_BINARY_DIR}/man
        COMMAND ${CMAKE_COMMAND} -E env PYTHONDONTWRITEBYTECODE=1 ${TARN_PYTHON}
            ${PROJECT_SOURCE_DIR}/man/manual.py ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/man
            $<TARGET_FILE:tarn-command>
        COMMAND ${CMAKE_COMMAND} -E touch ${PROJECT_BINARY_DIR}/man/written
        DEPENDS ${TARN_MANUAL_SOURCES} tarn-command VERBATIM)
    add_custom_target(manual ALL DEPENDS ${PROJECT_BINARY_DIR}/man/written)
    install(DIRECTORY ${PROJECT_BINARY_DIR}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}
        PATTERN written EXCLUDE)
else()
    message(STATUS "no manual: it needs python3, and to run the tarn command that is built")
endif()

# The releases in one file, in build/release: tarn_quick.c and tarn_all.c, each with its header.
find_path(TARN_XXHASH xxhash.h)
if(TARN_PYTHON AND TARN_XXHASH)
    set(TARN_RELEASE ${PROJECT_BINARY_DIR}/release)
    get_directory_property(one_file_core DIRECTORY ${PROJECT_SOURCE_DIR}/src DEFINITION TARN_SOURCES)
    get_directory_property(one_file_surface DIRECTORY ${PROJECT_SOURCE_DIR}/src
        DEFINITION TARN_SURFACE)
    set(one_file_list ${one_file_core} ${one_file_surface} malloc/cxx_failure.c)
    file(GLOB one_file_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/*/*.h
        ${PROJECT_SOURCE_DIR}/include/tarn/*.h)
    list(TRANSFORM one_file_list PREPEND ${PROJECT_SOURCE_DIR}/src/ OUTPUT_VARIABLE one_file_paths)
    add_custom_command(OUTPUT ${TARN_RELEASE}/tarn_all.c ${TARN_RELEASE}/tarn_all.h
        COMMAND ${TARN_PYTHON} ${PROJECT_SOURCE_DIR}/cmake/one_file.py ${PROJECT_SOURCE_DIR}
            ${TARN_RELEASE} ${PROJECT_VERSION} ${TARN_XXHASH}/xxhash.h ${one_file_list}
        DEPENDS ${PROJECT_SOURCE_DIR}/cmake/one_file.py ${one_file_paths} ${one_file_headers} VERBATIM)
    add_custom_target(release ALL
        COMMAND ${PROJECT_SOURCE_DIR}/src/quick/amalgamate ${TARN_RELEASE}
        DEPENDS ${TARN_RELEASE}/tarn_all.c)
endif()
