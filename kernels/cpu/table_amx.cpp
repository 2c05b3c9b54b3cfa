// The amx table: that of avx512, with other products of packed and of BF16 weights; and the loop that measures what the
// tile unit can do.
#include "kernels/cpu/amx_tiles.h"
#include "kernels/cpu/tables.h"
#include "kernels/cpu/variants.h"

namespace quibble::kernels {
namespace {

constexpr Ops withTiles() {
    Ops table = tableOf("amx");
    table.matmul = amx::matmul;
    table.matmulPacked = amx::matmulPacked;
    table.matmulBf16 = amx::matmulBf16;
    return table;
}

// The largest tiles there are: 16 rows, 64 inputs, 16 outputs.
constexpr TileConfigs kLargest = tileConfigs(kTileWidth);

}  // namespace

namespace amx {

const Ops kOps = withTiles();

double dotRounds(int64_t rounds, int32_t* sink) {
    alignas(64) int32_t sums[kTileHeight][16];
    const Tiles tiles(kLargest.of[kTileHeight]);
    zeroTiles();
    for (int64_t r = 0; r < rounds; ++r) {
        _tile_dpbssd(0, 4, 6);
        _tile_dpbssd(1, 4, 7);
        _tile_dpbssd(2, 5, 6);
        _tile_dpbssd(3, 5, 7);
    }
    _tile_stored(0, sums, kTileWidth);
    *sink ^= sums[0][0];
    return static_cast<double>(rounds) * 4.0 * 2.0 * kTileHeight * kTileWidth * 16.0;
}

}  // namespace amx
}  // namespace quibble::kernels
