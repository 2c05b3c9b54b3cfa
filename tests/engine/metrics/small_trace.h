// Traces written by hand: one token a piece of text, so that a test says what it needs and nothing else.
#pragma once

#include <string>
#include <vector>

#include "engine/values/run_trace.h"

namespace quibble::test {

struct Piece {
    std::string text;
    bool thinking = false;
    bool marker = false;
    float entropy = kNotMeasured;
    float kl = kNotMeasured;  // with it comes a reference of rank 1 whose entropy is ref_entropy
    float ref_entropy = kNotMeasured;
};

/// Token ids count from 0 in the order of the pieces; positions start behind a prompt of `prompt` tokens.
inline RunTrace traceOf(const std::vector<Piece>& pieces, const std::string& known = {}, int prompt = 2) {
    RunRequest request;
    request.known_answer = known;
    RunTrace trace(request);
    RunProvenance provenance;
    provenance.prompt_tokens.assign(static_cast<std::size_t>(prompt), 0);
    trace.apply(provenance);
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        const auto id = static_cast<TokenId>(i);
        TokenRecord token;
        token.pos = prompt + id;
        token.id = token.without_penalty_id = id;
        token.thinking = pieces[i].thinking;
        token.marker = pieces[i].marker;
        token.entropy = pieces[i].entropy;
        trace.apply(TokenText{id, pieces[i].text});
        trace.apply(token);
        if (std::isnan(pieces[i].kl)) continue;
        ReferenceRecord reference;
        reference.pos = token.pos;
        reference.kl = pieces[i].kl;
        reference.entropy = pieces[i].ref_entropy;
        reference.rank = 1;
        trace.apply(reference);
    }
    return trace;
}

}  // namespace quibble::test
