// One query head of one row, as both ways through attention see it. Included by attention.cpp alone.
#pragma once

#include "kernels/cpu/vec.h"

#include "kernels/cpu/stored_rows.h"
#include "kernels/op_table.h"

namespace quibble::kernels {
namespace {

struct Query {
    const AttentionArgs* row;
    const float* q;
    float* scores;  // [n]
    float* out;
    int64_t n;   // positions
    int64_t at;  // number of the first position of the part that is read now; negative where the part begins before the
                 // row's range
    int64_t limit;  // numbers from here on are not of this part
};

}  // namespace
}  // namespace quibble::kernels
