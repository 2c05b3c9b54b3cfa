// Tile registers of AMX and how they are set up. Included only by files compiled for AMX; everything here has internal
// linkage.
//
// The instructions name a register by a number that must be a literal. All products use the same ones:
//   0 to 3  sums        rows x 16 numbers of 32 bits
//   4, 5    left side   rows x the inputs of a slice
//   6, 7    right side  a register of 64 bytes for each 4 bytes of inputs, as packing/layout.h has them: input 4 j + t
//   of output o in byte 4 o + t
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace quibble::kernels {
namespace {

constexpr int kTileHeight = 16;  // rows of the largest tile
constexpr int kTileWidth = 64;   // bytes of its rows

// What ldtilecfg reads.
struct alignas(64) TileConfig {
    uint8_t palette;
    uint8_t start_row;
    uint8_t reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};
static_assert(sizeof(TileConfig) == 64);

constexpr TileConfig tileConfig(int rows, int slice_bytes) {
    TileConfig config{};
    config.palette = 1;
    for (int t = 0; t < 8; ++t) {
        config.rows[t] = static_cast<uint8_t>(t < 6 ? rows : slice_bytes / 4);
        config.row_bytes[t] = static_cast<uint16_t>(t == 4 || t == 5 ? slice_bytes : kTileWidth);
    }
    return config;
}

// For every number of rows. Must be constants: GCC 12 takes ldtilecfg for a reader of 8 bytes, and would drop what
// writes the others.
struct TileConfigs {
    TileConfig of[kTileHeight + 1];
};
constexpr TileConfigs tileConfigs(int slice_bytes) {
    TileConfigs configs{};
    for (int rows = 1; rows <= kTileHeight; ++rows) {
        configs.of[rows] = tileConfig(rows, slice_bytes);
    }
    return configs;
}

// The tiles are this thread's while it lives. Between two uses they are released, so that the kernel has no 8 KiB more
// to save at a task switch.
class Tiles {
public:
    explicit Tiles(const TileConfig& config) { _tile_loadconfig(&config); }
    ~Tiles() { _tile_release(); }
    Tiles(const Tiles&) = delete;
    Tiles& operator=(const Tiles&) = delete;
};

// All eight. The time of a product does not depend on its numbers, so the loops that measure it multiply zeros.
inline __attribute__((always_inline)) void zeroTiles() {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_zero(4);
    _tile_zero(5);
    _tile_zero(6);
    _tile_zero(7);
}

// To be called between writing what tileloadd reads and reading it: GCC 12 does not know that the instruction reads
// memory.
inline __attribute__((always_inline)) void writtenForTiles() { __asm__ volatile("" ::: "memory"); }

}  // namespace
}  // namespace quibble::kernels
