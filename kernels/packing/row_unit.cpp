#include "kernels/packing/row_unit.h"

#include "kernels/formats/iq4_nl.h"
#include "kernels/formats/iq4_xs.h"
#include "kernels/formats/mxfp4.h"
#include "kernels/formats/q2_k.h"
#include "kernels/formats/q3_k.h"
#include "kernels/formats/q4_0.h"
#include "kernels/formats/q4_1.h"
#include "kernels/formats/q4_k.h"
#include "kernels/formats/q5_0.h"
#include "kernels/formats/q5_1.h"
#include "kernels/formats/q5_k.h"
#include "kernels/formats/q6_k.h"
#include "kernels/formats/q8_0.h"
#include "kernels/reference/dequantize_k.h"

#include <cstring>

namespace quibble::kernels {

namespace {

void splitNibbles(const uint8_t (&q)[16], uint8_t* codes) {
    for (int i = 0; i < 16; ++i) {
        codes[i] = q[i] & 15;
        codes[i + 16] = static_cast<uint8_t>(q[i] >> 4);
    }
}

void addFifthBits(const uint8_t (&qh)[4], uint8_t* codes) {
    for (int i = 0; i < 32; ++i) {
        codes[i] = static_cast<uint8_t>(codes[i] | (((qh[i / 8] >> (i % 8)) & 1) << 4));
    }
}

// codes[i] = the masked bits from `from` on of byte i, for 32 bytes: loops that a compiler turns into vectors.
void takeBits(const uint8_t* bytes, int from, int mask, uint8_t* codes) {
    for (int i = 0; i < 32; ++i) {
        codes[i] = static_cast<uint8_t>((bytes[i] >> from) & mask);
    }
}

// Joins such bits to the codes, at bit `to`.
void addBits(const uint8_t* bytes, int from, int mask, int to, uint8_t* codes) {
    for (int i = 0; i < 32; ++i) {
        codes[i] = static_cast<uint8_t>(codes[i] | (((bytes[i] >> from) & mask) << to));
    }
}

// Block b of 32 of a unit.
void readBlock(const BlockQ8_0& block, int64_t b, RowUnit& out) {
    out.d[b] = block.d;
    for (int i = 0; i < 32; ++i) {
        out.codes[32 * b + i] = static_cast<uint8_t>(block.q[i] + 128);
    }
}

void readBlock(const BlockQ4_0& block, int64_t b, RowUnit& out) {
    out.d[b] = block.d;
    splitNibbles(block.q, out.codes + 32 * b);
}

void readBlock(const BlockQ4_1& block, int64_t b, RowUnit& out) {
    out.d[b] = block.d;
    out.minimum[b] = block.m;
    splitNibbles(block.q, out.codes + 32 * b);
}

void readBlock(const BlockQ5_0& block, int64_t b, RowUnit& out) {
    out.d[b] = block.d;
    splitNibbles(block.q, out.codes + 32 * b);
    addFifthBits(block.qh, out.codes + 32 * b);
}

void readBlock(const BlockQ5_1& block, int64_t b, RowUnit& out) {
    out.d[b] = block.d;
    out.minimum[b] = block.m;
    splitNibbles(block.q, out.codes + 32 * b);
    addFifthBits(block.qh, out.codes + 32 * b);
}

void readBlock(const BlockIQ4_NL& block, int64_t b, RowUnit& out) {
    out.d[b] = block.d;
    splitNibbles(block.q, out.codes + 32 * b);
}

void readBlock(const BlockMXFP4& block, int64_t b, RowUnit& out) {
    out.scales[b] = block.e;
    splitNibbles(block.q, out.codes + 32 * b);
}

void readUnit(const BlockQ2_K& block, RowUnit& out) {
    out.d[0] = block.d;
    out.minimum[0] = block.dmin;
    std::memcpy(out.scales, block.scales, sizeof(block.scales));
    for (int g = 0; g < 8; ++g) {
        takeBits(block.q + 32 * (g / 4), 2 * (g % 4), 3, out.codes + 32 * g);
    }
}

void readUnit(const BlockQ3_K& block, RowUnit& out) {
    out.d[0] = block.d;
    for (int g = 0; g < 16; ++g) {
        const int low = g < 8 ? block.scales[g] & 15 : block.scales[g - 8] >> 4;
        const int high = (block.scales[8 + g % 4] >> (2 * (g / 4))) & 3;
        out.scales[g] = static_cast<uint8_t>((low | (high << 4)) - 32);
    }
    for (int g = 0; g < 8; ++g) {
        takeBits(block.q + 32 * (g / 4), 2 * (g % 4), 3, out.codes + 32 * g);
        addBits(block.high, g, 1, 2, out.codes + 32 * g);
    }
}

void readScaleMins(const uint8_t (&scales)[12], RowUnit& out) {
    for (int g = 0; g < 8; ++g) {
        const reference::ScaleMin s = reference::scaleMin(scales, g);
        out.scales[g] = static_cast<uint8_t>(s.scale);
        out.minima[g] = static_cast<uint8_t>(s.minimum);
    }
}

void readUnit(const BlockQ4_K& block, RowUnit& out) {
    out.d[0] = block.d;
    out.minimum[0] = block.dmin;
    readScaleMins(block.scales, out);
    for (int g = 0; g < 8; ++g) {
        takeBits(block.q + 32 * (g / 2), 4 * (g % 2), 15, out.codes + 32 * g);
    }
}

void readUnit(const BlockQ5_K& block, RowUnit& out) {
    out.d[0] = block.d;
    out.minimum[0] = block.dmin;
    readScaleMins(block.scales, out);
    for (int g = 0; g < 8; ++g) {
        takeBits(block.q + 32 * (g / 2), 4 * (g % 2), 15, out.codes + 32 * g);
        addBits(block.qh, g, 1, 4, out.codes + 32 * g);
    }
}

void readUnit(const BlockQ6_K& block, RowUnit& out) {
    out.d[0] = block.d;
    std::memcpy(out.scales, block.scales, sizeof(block.scales));
    for (int g = 0; g < 8; ++g) {
        const int half = g / 4;
        takeBits(block.ql + 64 * half + 32 * (g % 2), 4 * (g / 2 % 2), 15, out.codes + 32 * g);
        addBits(block.qh + 32 * half, 2 * (g % 4), 3, 4, out.codes + 32 * g);
    }
}

void readUnit(const BlockIQ4_XS& block, RowUnit& out) {
    out.d[0] = block.d;
    for (int g = 0; g < 8; ++g) {
        const int low = (block.scales_l[g / 2] >> (4 * (g % 2))) & 15;
        const int high = (block.scales_h >> (2 * g)) & 3;
        out.scales[g] = static_cast<uint8_t>((low | (high << 4)) - 32);
        for (int i = 0; i < 16; ++i) {
            out.codes[32 * g + i] = block.q[16 * g + i] & 15;
            out.codes[32 * g + i + 16] = static_cast<uint8_t>(block.q[16 * g + i] >> 4);
        }
    }
}

template <class Block>
void readBlocks(const std::byte* src, int64_t blocks, RowUnit& out) {
    for (int64_t b = 0; b < blocks; ++b) {
        Block block;  // a copy: the source may have any alignment
        std::memcpy(&block, src + static_cast<size_t>(b) * sizeof(Block), sizeof(Block));
        readBlock(block, b, out);
    }
}

template <class Block>
void readWhole(const std::byte* src, RowUnit& out) {
    Block block;
    std::memcpy(&block, src, sizeof(Block));
    readUnit(block, out);
}

}  // namespace

void readRowUnit(TensorType type, const std::byte* src, int64_t blocks, RowUnit& out) {
    switch (type) {
        case TensorType::Q8_0: readBlocks<BlockQ8_0>(src, blocks, out); return;
        case TensorType::Q4_0: readBlocks<BlockQ4_0>(src, blocks, out); return;
        case TensorType::Q4_1: readBlocks<BlockQ4_1>(src, blocks, out); return;
        case TensorType::Q5_0: readBlocks<BlockQ5_0>(src, blocks, out); return;
        case TensorType::Q5_1: readBlocks<BlockQ5_1>(src, blocks, out); return;
        case TensorType::IQ4_NL: readBlocks<BlockIQ4_NL>(src, blocks, out); return;
        case TensorType::MXFP4: readBlocks<BlockMXFP4>(src, blocks, out); return;
        case TensorType::Q2_K: readWhole<BlockQ2_K>(src, out); return;
        case TensorType::Q3_K: readWhole<BlockQ3_K>(src, out); return;
        case TensorType::Q4_K: readWhole<BlockQ4_K>(src, out); return;
        case TensorType::Q5_K: readWhole<BlockQ5_K>(src, out); return;
        case TensorType::Q6_K: readWhole<BlockQ6_K>(src, out); return;
        case TensorType::IQ4_XS: readWhole<BlockIQ4_XS>(src, out); return;
        default: return;
    }
}

}  // namespace quibble::kernels
