// Products of packed weights: the pieces of one instruction set, and what is made of them.
#if defined(__AVX512F__)
#include "kernels/cpu/packed_avx512.h"
#elif defined(__AVX2__)
#include "kernels/cpu/packed_avx2.h"
#else
#include "kernels/cpu/packed_portable.h"
#endif

#include "kernels/cpu/packed_body.h"
#include "kernels/cpu/tables.h"

namespace quibble::kernels {

void isa::matmulPacked(const MatmulPackedArgs& args) {
    if (args.out_begin < args.out_end) {
        withFormat(args.w.type, [&args]<PackedFormat F>() { multiply<F>(args); });
    }
}

}  // namespace quibble::kernels
