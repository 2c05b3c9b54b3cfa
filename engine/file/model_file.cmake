# Model files of every format; separate from the model so that the fuzz target and the CLI's tokenize need nothing more.
quibble_library(model_file
  SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/model_file.cpp
    ${CMAKE_CURRENT_LIST_DIR}/model_title.cpp
    ${CMAKE_CURRENT_LIST_DIR}/content_hash.cpp
    ${CMAKE_CURRENT_LIST_DIR}/gguf/gguf_keys.cpp
    ${CMAKE_CURRENT_LIST_DIR}/gguf/gguf_parser.cpp
    ${CMAKE_CURRENT_LIST_DIR}/gguf/gguf_split.cpp
    ${CMAKE_CURRENT_LIST_DIR}/gguf/gguf_value.cpp
    ${CMAKE_CURRENT_LIST_DIR}/mapped_file.cpp
    ${CMAKE_CURRENT_LIST_DIR}/safetensors/checkpoint.cpp
    ${CMAKE_CURRENT_LIST_DIR}/safetensors/config_keys.cpp
    ${CMAKE_CURRENT_LIST_DIR}/safetensors/fused_experts.cpp
    ${CMAKE_CURRENT_LIST_DIR}/safetensors/header.cpp
    ${CMAKE_CURRENT_LIST_DIR}/safetensors/json.cpp
    ${CMAKE_CURRENT_LIST_DIR}/safetensors/key_builder.cpp
    ${CMAKE_CURRENT_LIST_DIR}/safetensors/open.cpp
    ${CMAKE_CURRENT_LIST_DIR}/safetensors/split_rules.cpp
    ${CMAKE_CURRENT_LIST_DIR}/safetensors/tensor_names.cpp
    ${CMAKE_CURRENT_LIST_DIR}/safetensors/tokenizer_keys.cpp
    ${CMAKE_CURRENT_LIST_DIR}/safetensors/tokenizer_pipeline.cpp
  PUBLIC quibble::values quibble::kernels
  PRIVATE quibble::utf8 xxhash)
