# Helpers that every folder uses: quibble_library, quibble_precompile and quibble_test.
# They exist so that warnings, include paths and test registration are said once.

set(QUIBBLE_CLANG_OR_GNU $<CXX_COMPILER_ID:GNU,Clang,AppleClang>)

add_library(quibble_warnings INTERFACE)
target_compile_options(quibble_warnings INTERFACE
  $<${QUIBBLE_CLANG_OR_GNU}:-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror>
  # GCC 12 sees overlapping copies in every inlined "literal" + std::string (GCC bug 105651).
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>)

add_library(quibble_options INTERFACE)
target_compile_features(quibble_options INTERFACE cxx_std_20)
target_include_directories(quibble_options INTERFACE ${PROJECT_SOURCE_DIR})
if(QUIBBLE_SANITIZE)
  target_compile_options(quibble_options INTERFACE -fsanitize=${QUIBBLE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(quibble_options INTERFACE -fsanitize=${QUIBBLE_SANITIZE})
endif()

# quibble_library(NAME SOURCES ... [PUBLIC deps] [PRIVATE deps]): static library quibble_NAME, alias quibble::NAME.
function(quibble_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(quibble_${name} STATIC ${arg_SOURCES})
  add_library(quibble::${name} ALIAS quibble_${name})
  target_link_libraries(quibble_${name} PUBLIC quibble_options ${arg_PUBLIC} PRIVATE quibble_warnings ${arg_PRIVATE})
  set_target_properties(quibble_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  # What is written is what is computed: no fused multiply-add that the source does not name. Plain x86-64 has none to offer.
  if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    target_compile_options(quibble_${name} PRIVATE -ffp-contract=off)
  endif()
endfunction()

# quibble_precompile(TARGET <header> ...): headers that most files of the target include, parsed once if QUIBBLE_PCH says so.
function(quibble_precompile target)
  if(QUIBBLE_PCH)
    target_precompile_headers(${target} PRIVATE ${ARGN})
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)  # ccache wants it
  endif()
endfunction()

# quibble_test(tst_name SOURCES ... LIBS ... [LABELS ...] [ARGS ...]): a Qt Test program, run offscreen by CTest.
# moc runs on each source by itself: AUTOMOC would build one more, empty, file for every program.
# What is tested is compiled with all optimizations and sanitizers; the test around it needs neither, and half the time goes to them.
function(quibble_test name)
  if(NOT QUIBBLE_TESTS)
    return()
  endif()
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS;LABELS;ARGS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  set(moc_folder ${CMAKE_CURRENT_BINARY_DIR}/${name}_moc)
  foreach(source IN LISTS arg_SOURCES)
    cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
    set_property(SOURCE ${source} APPEND PROPERTY COMPILE_OPTIONS -O1)
    if(QUIBBLE_SANITIZE)
      set_property(SOURCE ${source} APPEND PROPERTY COMPILE_OPTIONS -fno-sanitize=undefined)
    endif()
    cmake_path(GET source STEM stem)
    file(STRINGS ${source} moc_include REGEX "^#include \"${stem}\\.moc\"")
    if(moc_include)
      qt_generate_moc(${source} ${moc_folder}/${stem}.moc TARGET ${name})
      target_sources(${name} PRIVATE ${moc_folder}/${stem}.moc)
    endif()
  endforeach()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_include_directories(${name} PRIVATE ${moc_folder})
  target_compile_definitions(${name} PRIVATE QUIBBLE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${arg_LIBS} Qt6::Test quibble_warnings quibble_options)
  add_test(NAME ${name} COMMAND ${name} ${arg_ARGS})
  # What waits most starts first, so that the rest runs beside it.
  if("slow" IN_LIST arg_LABELS)
    set_tests_properties(${name} PROPERTIES COST 100)
  endif()
  set_tests_properties(${name} PROPERTIES
    LABELS "${arg_LABELS}"
    TIMEOUT 600
    ENVIRONMENT "QT_QPA_PLATFORM=offscreen;TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/support/tsan_suppressions.txt;QUIBBLE_CLI=$<$<TARGET_EXISTS:quibble-cli>:$<TARGET_FILE:quibble-cli>>")
endfunction()
