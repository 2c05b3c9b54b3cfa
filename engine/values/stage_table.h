// How one token was chosen, as a table: its rows are candidates, its columns the stages of the choice. For people who
// look at one token; nobody stores it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/values/ids.h"
#include "engine/values/token_record.h"

namespace quibble {

/// One stage of the choice, over the rows of the table.
struct StageColumn {
    std::string name;            // as TokenStage::name; the stage "chosen" is no column
    int rule = -1;               // of a rule: its place in the chain, an index into RunProvenance::rules
    std::vector<float> logprob;  // [rows], ln p; -inf: the stage leaves the token no chance
    double others = 0;           // probability of all tokens that are no row
    std::int64_t kept = 0;       // tokens of the vocabulary that the stage leaves
    std::int64_t dropped = 0;    // tokens that this stage took out
    double setting = 0;          // of a stage of the sampler: temperature, k, p
    // Of a rule: what it added to logits, over the tokens that it changed and did not ban.
    double least = 0, most = 0;
    std::int64_t changed = 0, banned = 0;
    std::vector<bool> touched;  // [rows] of a rule: it changed the logit of the token
    /// What the same noise takes with the sampler's settings right behind this stage; of "raw" and of rules.
    TokenId takes = kNoToken;
    bool operator==(const StageColumn&) const = default;
};

struct StageTable {
    Position pos = 0;
    TokenId chosen = kNoToken;  // that stands in the text
    TokenId takes = kNoToken;   // what the noise takes here and now; another one where bits differ from the recorded
    bool moved = false;         // the token was sampled elsewhere, before a rule put a text in front of it
    std::int64_t vocabulary = 0;
    std::vector<TokenId> ids;        // of the rows, the likeliest of the raw logits first
    std::vector<std::string> texts;  // [rows], raw bytes
    std::vector<StageColumn> columns;
    std::vector<float> score;            // [rows], ln p + noise behind the last stage; NaN: not drawn
    bool drawn = true;                   // false: the largest was taken, without noise
    std::vector<Alternative> after;      // the likeliest behind the rules, as many as rows were asked for; empty: no
                                         // rule changed anything
    std::vector<Alternative> reference;  // the likeliest of the reference at this place, where it was asked for
    std::vector<int> unchanged;          // rules of the slot logits that changed nothing, places in the chain
    std::vector<std::string> rule_ids;   // [rules of the chain], methods
    std::int64_t spent_ns = 0;           // for all of it

    [[nodiscard]] int rows() const { return static_cast<int>(ids.size()); }
};

}  // namespace quibble
