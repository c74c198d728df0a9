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
    "" "-ltarn" "-pthread" "")
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
