# Helpers that every folder uses: quibble_library, quibble_batch and quibble_test.
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

# quibble_batch(TARGET [APART source ...]): if QUIBBLE_BATCH says so, files of the target are compiled several at a time, which parses what they include
# once. APART are those with the same names in their anonymous namespaces, such as methods of one kind.
function(quibble_batch target)
  cmake_parse_arguments(arg "" "" "APART" ${ARGN})
  if(QUIBBLE_BATCH)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${QUIBBLE_BATCH_SIZE})
    set_source_files_properties(${arg_APART} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endif()
endfunction()

# quibble_library(NAME SOURCES ... [PUBLIC deps] [PRIVATE deps] [APART sources]): static library quibble_NAME, alias quibble::NAME.
function(quibble_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;PUBLIC;PRIVATE;APART" ${ARGN})
  add_library(quibble_${name} STATIC ${arg_SOURCES})
  add_library(quibble::${name} ALIAS quibble_${name})
  target_link_libraries(quibble_${name} PUBLIC quibble_options ${arg_PUBLIC} PRIVATE quibble_warnings ${arg_PRIVATE})
  set_target_properties(quibble_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  # What is written is what is computed: no fused multiply-add that the source does not name. Plain x86-64 has none to offer.
  if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    target_compile_options(quibble_${name} PRIVATE -ffp-contract=off)
  endif()
  quibble_batch(quibble_${name} APART ${arg_APART})
endfunction()

# quibble_compose(TARGET): the target only puts others together. Nothing of it takes time while the program runs, and -O1 compiles in two thirds of the
# time of -O3.
function(quibble_compose target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release,RelWithDebInfo>:-O1>)
endfunction()

if(QUIBBLE_TESTS)
  # What is tested is compiled with all optimizations and sanitizers; the test around it needs neither, and half the time goes to them.
  # To be linked last: of two options that contradict each other the later one counts.
  add_library(quibble_test_options INTERFACE)
  target_compile_options(quibble_test_options INTERFACE -O1)
  if(QUIBBLE_SANITIZE)
    target_compile_options(quibble_test_options INTERFACE -fno-sanitize=undefined)
  endif()
  if(QUIBBLE_TEST_HEADERS_ONCE)
    target_compile_options(quibble_test_options INTERFACE -UQT_TESTCASE_BUILDDIR -UQT_TESTCASE_SOURCEDIR
      $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)  # ccache wants it
  endif()
endif()

# quibble_test_headers(NAME LIBS ... HEADERS ...): what the tests that name it include, parsed once for all of them if QUIBBLE_TEST_HEADERS_ONCE says so.
# Qt names each test's folder on its command line, for a search of files that no test asks for; shared headers must not depend on it.
function(quibble_test_headers name)
  cmake_parse_arguments(arg "" "" "LIBS;HEADERS" ${ARGN})
  if(QUIBBLE_TEST_HEADERS_ONCE)
    file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/${name}.cpp CONTENT "")
    add_library(${name} OBJECT ${CMAKE_BINARY_DIR}/${name}.cpp)
    target_link_libraries(${name} PRIVATE ${arg_LIBS} Qt6::Test quibble_warnings quibble_options quibble_test_options)
    target_precompile_headers(${name} PRIVATE ${arg_HEADERS})
  endif()
endfunction()

# What takes longest with optimization, several seconds each, most of them by waiting; tst_reuse takes 30 s under sanitizers. All others together take
# less than a minute on two cores.
set(QUIBBLE_SLOW_TESTS tst_cli_eval tst_cli_stream tst_determinism tst_exactness tst_hidden_views tst_hostile_database tst_kill tst_kill_run tst_matmul tst_reuse tst_scheduler
  tst_self_test tst_store_writer tst_window_exports tst_window_files tst_window_log tst_window_set tst_window_shell)

# quibble_test_labels(NAME [label ...]): gives a CTest test its labels: the layer, which is the folder below tests/ that registers it, those given, and
# "slow" or "fast".
function(quibble_test_labels name)
  cmake_path(RELATIVE_PATH CMAKE_CURRENT_SOURCE_DIR BASE_DIRECTORY ${PROJECT_SOURCE_DIR}/tests OUTPUT_VARIABLE layer)
  string(REGEX REPLACE "/.*" "" layer ${layer})
  set(labels ${layer} ${ARGN})
  if(name IN_LIST QUIBBLE_SLOW_TESTS AND NOT "slow" IN_LIST labels)
    list(APPEND labels slow)
  endif()
  if("slow" IN_LIST labels)
    set_tests_properties(${name} PROPERTIES COST 100)  # what takes or waits most starts first, so that the rest runs beside it
  else()
    list(APPEND labels fast)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${labels}")
endfunction()

# quibble_test(tst_name SOURCES ... LIBS ... [ARGS ...] [HEADERS name]): a Qt Test program, run offscreen by CTest.
# moc runs on each source by itself: AUTOMOC would build one more, empty, file for every program.
function(quibble_test name)
  if(NOT QUIBBLE_TESTS)
    return()
  endif()
  cmake_parse_arguments(arg "" "HEADERS" "SOURCES;LIBS;ARGS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  set(moc_folder ${CMAKE_CURRENT_BINARY_DIR}/${name}_moc)
  foreach(source IN LISTS arg_SOURCES)
    cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
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
  target_link_libraries(${name} PRIVATE ${arg_LIBS} Qt6::Test quibble_warnings quibble_options quibble_test_options)
  if(QUIBBLE_TEST_HEADERS_ONCE)
    if(NOT arg_HEADERS)
      set(arg_HEADERS quibble_engine_test_headers)
    endif()
    target_precompile_headers(${name} REUSE_FROM ${arg_HEADERS})
  endif()
  add_test(NAME ${name} COMMAND ${name} ${arg_ARGS})
  set_property(TARGET ${name} PROPERTY QUIBBLE_TEST_ARGS ${arg_ARGS})
  quibble_test_labels(${name})
  set_tests_properties(${name} PROPERTIES
    TIMEOUT 600
    ENVIRONMENT "QT_QPA_PLATFORM=offscreen;XDG_STATE_HOME=${CMAKE_BINARY_DIR}/tests/state;TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/support/tsan_suppressions.txt;QUIBBLE_CLI=$<$<TARGET_EXISTS:quibble-cli>:$<TARGET_FILE:quibble-cli>>")
endfunction()

# quibble_test_variant(NAME test ... ENV VARIABLE=value ...): the same programs run once more with other environment variables, as the CTest tests
# "<test>.NAME" with the labels of the test and "variant", but not "fast". To be called in the folder that made the tests, after quibble_test.
function(quibble_test_variant name)
  if(NOT QUIBBLE_TESTS)
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "ENV")
  foreach(test IN LISTS arg_UNPARSED_ARGUMENTS)
    get_property(args TARGET ${test} PROPERTY QUIBBLE_TEST_ARGS)
    get_property(labels TEST ${test} PROPERTY LABELS)
    list(REMOVE_ITEM labels fast)
    get_property(timeout TEST ${test} PROPERTY TIMEOUT)
    get_property(cost TEST ${test} PROPERTY COST)
    get_property(environment TEST ${test} PROPERTY ENVIRONMENT)
    add_test(NAME ${test}.${name} COMMAND ${test} ${args})
    set_tests_properties(${test}.${name} PROPERTIES LABELS "${labels};variant" TIMEOUT "${timeout}" ENVIRONMENT "${environment};${arg_ENV}")
    if(cost)
      set_tests_properties(${test}.${name} PROPERTIES COST ${cost})
    endif()
  endforeach()
endfunction()

# quibble_test_locale(OUT de_DE): the environment that puts a program under that locale. It is made in the build folder from the sources that
# the Debian package "locales" holds, so that the machine need not have it; without them the C library stays with "C" and only Qt follows.
function(quibble_test_locale out name)
  set(folder ${CMAKE_BINARY_DIR}/locale)
  find_program(QUIBBLE_LOCALEDEF localedef)
  if(QUIBBLE_LOCALEDEF AND NOT EXISTS ${folder}/${name}.UTF-8)
    file(MAKE_DIRECTORY ${folder})
    execute_process(COMMAND ${QUIBBLE_LOCALEDEF} -i ${name} -f UTF-8 --no-archive ${folder}/${name}.UTF-8 RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
    if(failed)
      file(REMOVE_RECURSE ${folder}/${name}.UTF-8)
      message(STATUS "The locale ${name} could not be made; the package \"locales\" has its source.")
    endif()
  endif()
  set(environment "LC_ALL=${name}.UTF-8" "LANG=${name}.UTF-8")
  if(EXISTS ${folder}/${name}.UTF-8)
    list(APPEND environment "LOCPATH=${folder}")
  endif()
  set(${out} "${environment}" PARENT_SCOPE)
endfunction()
