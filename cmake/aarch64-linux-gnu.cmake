# Cross-builds for 64-bit Arm on Debian: g++-aarch64-linux-gnu, qemu-user-static, and libxxhash-dev, libpcre2-dev, libutf8proc-dev, libsqlite3-dev, libsqlitecpp-dev, libspdlog-dev of arm64 (multiarch).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static)
