# The targets, compiled whole with the fuzzer, address and undefined-behaviour sanitizers. Needs clang.
get_filename_component(fuzz_root ${CMAKE_CURRENT_LIST_DIR}/../.. ABSOLUTE)
file(GLOB fuzz_text_sources ${fuzz_root}/engine/text/*.cpp ${fuzz_root}/engine/text/jinja/*.cpp)
file(GLOB fuzz_file_sources ${fuzz_root}/engine/file/gguf/*.cpp ${fuzz_root}/engine/file/safetensors/*.cpp)
list(FILTER fuzz_file_sources EXCLUDE REGEX writer)
list(APPEND fuzz_file_sources ${fuzz_root}/engine/file/content_hash.cpp ${fuzz_root}/engine/file/mapped_file.cpp ${fuzz_root}/engine/model/model_config.cpp ${fuzz_root}/engine/file/model_file.cpp ${fuzz_root}/engine/file/model_title.cpp)
file(GLOB fuzz_grading_sources ${fuzz_root}/engine/grading/*.cpp)
list(FILTER fuzz_grading_sources EXCLUDE REGEX run_grade)

add_library(fuzz_sources STATIC ${fuzz_text_sources} ${fuzz_file_sources} ${fuzz_root}/kernels/tensor_type.cpp)
target_compile_features(fuzz_sources PUBLIC cxx_std_20)
target_include_directories(fuzz_sources PUBLIC ${fuzz_root})
target_compile_options(fuzz_sources PUBLIC -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
target_link_libraries(fuzz_sources PUBLIC pcre2-8 utf8proc xxhash)

# What loads weights and computes with them; of the kernels the scalar reference alone.
file(GLOB fuzz_model_sources ${fuzz_root}/engine/model/*.cpp ${fuzz_root}/engine/file/synth_*.cpp ${fuzz_root}/engine/file/gguf/gguf_writer.cpp
     ${fuzz_root}/engine/forward/*.cpp ${fuzz_root}/engine/cache/*.cpp ${fuzz_root}/engine/quant/weights/*.cpp ${fuzz_root}/kernels/packing/*.cpp
     ${fuzz_root}/kernels/reference/*.cpp)
list(REMOVE_ITEM fuzz_model_sources ${fuzz_file_sources} ${fuzz_root}/engine/model/model_cache.cpp)
foreach(name base/memory_use base/thread_pool device/cpu/cpu_device device/tuning)
  list(APPEND fuzz_model_sources ${fuzz_root}/engine/${name}.cpp)
endforeach()
foreach(name quantize rtn_quantize formats/half)
  list(APPEND fuzz_model_sources ${fuzz_root}/kernels/${name}.cpp)
endforeach()
add_library(fuzz_model_sources STATIC ${fuzz_model_sources} ${fuzz_root}/tests/support/random_model.cpp ${fuzz_root}/tests/fuzz/reference_only.cpp)
set_target_properties(fuzz_model_sources PROPERTIES UNITY_BUILD OFF)
target_link_libraries(fuzz_model_sources PUBLIC fuzz_sources)
set(fuzz_libraries_model_loader fuzz_model_sources)

# A library of its own: batches must not mix the names of different parts.
add_library(fuzz_grading_sources STATIC ${fuzz_grading_sources})
target_link_libraries(fuzz_grading_sources PUBLIC fuzz_sources)
set(fuzz_libraries_grading fuzz_grading_sources)

# The store is compiled whole as well, but for what writes runs; SQLite itself is the system's.
file(GLOB fuzz_store_sources ${fuzz_root}/data/store/*.cpp)
list(FILTER fuzz_store_sources EXCLUDE REGEX "event_sink|store_writer")
file(GLOB fuzz_schema_files ${fuzz_root}/data/schema/[0-9][0-9][0-9][0-9]_*.sql)
list(SORT fuzz_schema_files)
set(fuzz_schema_source ${CMAKE_CURRENT_BINARY_DIR}/fuzz_schema_sql.cpp)
add_custom_command(OUTPUT ${fuzz_schema_source}
  COMMAND ${CMAKE_COMMAND} "-DFILES=${fuzz_schema_files}" -DOUT=${fuzz_schema_source} -P ${fuzz_root}/data/schema/embed.cmake
  DEPENDS ${fuzz_schema_files} ${fuzz_root}/data/schema/embed.cmake VERBATIM)
foreach(name gguf safetensors tokenizer_json chat_template tokenizer model_loader grading session)
  add_executable(fuzz_${name} ${fuzz_root}/tests/fuzz/fuzz_${name}.cpp)
  target_link_libraries(fuzz_${name} PRIVATE ${fuzz_libraries_${name}} fuzz_sources)
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer,address,undefined)
  set_target_properties(fuzz_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
endforeach()

target_sources(fuzz_session PRIVATE ${fuzz_store_sources} ${fuzz_schema_source} ${fuzz_root}/data/file_kind.cpp)
target_link_libraries(fuzz_session PRIVATE SQLiteCpp sqlite3)
