#!/usr/bin/env python3
"""Writes kernels/formats/codebooks.inc from the codebook grids of the GGUF IQ formats.

usage: make_codebooks.py path/to/gguf/quants.py > kernels/formats/codebooks.inc

The grids are read from the hexadecimal constants of the Python package `gguf` 0.19.0 (MIT licence, the ggml authors); the
package is parsed, not run. A point becomes one 16-bit word: code j of 8 in bits 2j, or code j of 4 in bits 4j.
"""
import ast
import sys

GRIDS = {"IQ2_XXS": "kGridIq2Xxs", "IQ2_XS": "kGridIq2Xs", "IQ2_S": "kGridIq2S",
         "IQ3_XXS": "kGridIq3Xxs", "IQ3_S": "kGridIq3S", "IQ1_S": "kGridIq1S"}


def constants(path):
    found = {}
    for node in ast.parse(open(path, encoding="utf-8").read()).body:
        if isinstance(node, ast.ClassDef) and node.name in GRIDS:
            values = {}
            for item in node.body:
                if isinstance(item, ast.Assign) and item.targets[0].id in ("grid_shape", "grid_map", "grid_hex"):
                    values[item.targets[0].id] = ast.literal_eval(item.value)
            found[node.name] = values
    return found


def points(values):
    count, width = values["grid_shape"]
    bits = (len(values["grid_map"]) - 1).bit_length()
    per_byte = 8 // bits
    step = 8 // per_byte
    codes = []
    for byte in bytes.fromhex(values["grid_hex"].decode("ascii")):
        codes += [(byte >> (step * i)) & ((1 << bits) - 1) for i in range(per_byte)]
    assert len(codes) == count * width, "the grid has another size than it says"
    assert max(codes) < len(values["grid_map"])
    stride = 16 // width
    return [sum(codes[width * p + j] << (stride * j) for j in range(width)) for p in range(count)]


def main():
    found = constants(sys.argv[1])
    print("// Made by scripts/make_codebooks.py from the Python package gguf 0.19.0 (MIT licence, the ggml authors): facts of the formats.")
    for name, symbol in GRIDS.items():
        words = points(found[name])
        print(f"inline constexpr uint16_t {symbol}[{len(words)}] = {{")
        for i in range(0, len(words), 16):
            print("    " + ", ".join(f"0x{w:04X}" for w in words[i:i + 16]) + ",")
        print("};")


if __name__ == "__main__":
    main()
