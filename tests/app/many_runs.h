// Databases as large as years of use make them, from one real run that is copied with SQL.
#pragma once

#include <string>

#include <SQLiteCpp/SQLiteCpp.h>

#include "engine/values/ids.h"

namespace quibble::testing {

inline constexpr const char* kCopiedOfRun =
    "parent, branch_pos, notes, state, created_ms, request, provenance, tokenizer, known_answer, seed, penalty, "
    "model_name, model_hash, weight_format,"
    " tokens, thinking_tokens, markers, finish_reason, decode_ns, wall_ns, answer, correct";

/// A run of `tokens` tokens in `session`: the first five tokens of `pattern`, which begin at `first`, over and over,
/// with what the reference said.
inline RunId addLongRun(SQLite::Database& db, SessionId session, RunId pattern, Position first, int tokens) {
    const std::string of = std::to_string(raw(pattern)), columns = kCopiedOfRun;
    db.exec("INSERT INTO run (session, title, prompt, " + columns + ") SELECT " + std::to_string(raw(session)) +
            ", 'the long one', prompt, " + columns + " FROM run WHERE id = " + of);
    const RunId made{db.getLastInsertRowid()};
    const std::string numbers = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < " +
                                std::to_string(tokens - 1) + ") ";
    const auto copy = [&](const std::string& table, const std::string& rest) {
        db.exec(numbers + "INSERT INTO " + table + " (run, pos, " + rest + ") SELECT " + std::to_string(raw(made)) +
                ", " + std::to_string(first) + " + i, " + rest + " FROM n, " + table + " WHERE run = " + of +
                " AND pos = " + std::to_string(first) + " + i % 5");
    };
    copy("token",
         "id, without_penalty_id, logprob, rank, entropy, varentropy, marker_mass, marker_mass_after, penalty, "
         "time_ns, thinking, marker, penalized, injected, top, top_after");
    copy("reference", "kl, entropy, varentropy, logprob, rank, top");
    db.exec("UPDATE run SET tokens = " + std::to_string(tokens) + " WHERE id = " + std::to_string(raw(made)));
    return made;
}

}  // namespace quibble::testing
