quibble_test(tst_gguf_file SOURCES ${CMAKE_CURRENT_LIST_DIR}/tst_gguf_file.cpp LIBS quibble::model_file)
quibble_test(tst_gguf_split SOURCES ${CMAKE_CURRENT_LIST_DIR}/tst_gguf_split.cpp LIBS quibble::engine)
