#pragma once

#include "train/model.h"

namespace quibble::train {

/// Turns a trained dense model into one with experts (sparse upcycling, Komatsuzaki et al. 2022, arXiv 2212.05055), in
/// place in `moe`. Both have the same width, heads, layers and vocabulary; dense.ffn is a multiple of moe.ffn.
/// - Every expert is a random part of the dense FFN's neurons; dense.ffn / moe.ffn experts together hold each neuron
/// once. The rows
///   of `down` are scaled by that number, so that the mix of experts is the dense output on average. The router stays
///   random.
/// - Rows of Q and K move from the order of adjacent pairs to that of halves.
/// - The norms of Q and K get the root mean square that the dense model's Q and K have on `sample`, so that scores keep
/// their size.
void upcycle(const Transformer& dense, const Batch& sample, uint64_t seed, Transformer& moe);

}  // namespace quibble::train
