// A run as CSV or JSON Lines, always in the C locale. Everything is in nats. `quibble-cli run --jsonl` streams with the
// same functions as the export of a stored run.
#pragma once

#include <iosfwd>
#include <limits>
#include <stop_token>
#include <string>

#include "engine/values/run_trace.h"

namespace quibble {

/// Positions [from, to) of the sequence; the default is all of them.
struct ExportRange {
    Position from = 0;
    Position to = std::numeric_limits<Position>::max();
};

/// One JSON object without a line end. First keys, in this order: pos, id, text, logprob, rank, entropy, kl,
/// ref_entropy, marker_mass, penalized, without_penalty_id; then "bytes" (hex, when the token is not UTF-8 on its own:
/// its text then has U+FFFD), varentropy, ref_varentropy, ref_logprob, ref_rank, marker_mass_after, penalty, thinking,
/// marker, injected, intervened, time_ns, top, top_after, ref_top (lists of [id, text, logprob]), origin ("decoded",
/// "accepted", "corrected", "bonus"), round (number of its draft round, null for none), and "experts" ([layer][k], -1:
/// truncated away) when they were recorded. What was not measured is null.
[[nodiscard]] std::string tokenJson(const TracePoint& point, const RunTrace& trace);

/// A line of a live run whose text was taken back: lines of positions from "to" on hold no more, and others follow.
[[nodiscard]] std::string takenBackJson(const TakenBack& taken);
/// Whether that line says all that it will ever say, so that a stream may write it while the run goes on: the reference
/// has scored the token, and the pass that reads the token has told its experts. At the end of the run every line is
/// complete.
[[nodiscard]] bool tokenComplete(const TracePoint& point, const RunTrace& trace);
/// {"summary": {...}}: counts, times, means, finish_reason, answer, known_answer, correct (null: not gradable, or no
/// end), grade, grade_reason; with draft rounds "speculation" (rounds, drafted, tested, accepted, ignored,
/// mean_accepted_length = tokens_per_verify = tokens that the rounds put into the text / rounds, null without rounds,
/// acceptance_by_position = accepted at that depth / rounds, accepted_lengths, draft_ns, verify_ns, other_ns,
/// predicted_speed_up, target_efficiency: see engine/metrics/speculation.h), with experts "experts" (passes, rows,
/// expert_bytes, total_bytes, pass_ns).
[[nodiscard]] std::string summaryJson(const RunTrace& trace);
/// {"provenance": {...}, "request": {...}, "controls": [...]}
[[nodiscard]] std::string provenanceJson(const RunTrace& trace);

/// Provenance line, a line a token, a line {"draft_round": {round, pos, accepted, added, corrected, rows, draft_ns,
/// verify_ns, other_ns, path, nodes: [{parent, id, text, draft_prob, target_prob, accept_prob, draw, fate}]}} a round,
/// a line {"expert_pass": {pass, pos, rows, verify, budget, expert_bytes, total_bytes, pass_ns, layers: [{natural,
/// executed, coverage}], coverage_by_budget}} a pass, summary line. The range holds for the first position of a round
/// or pass. The stream's state tells whether it was written. Ends early, with a part of the lines, when `stop` is asked
/// for.
void exportJsonLines(std::ostream& out, const RunTrace& trace, ExportRange range = {},
                     const std::stop_token& stop = {});
/// "# key: value" lines, a header row, a row a token; text quoted as in RFC 4180, with \n, \r, \t, \\ and \xNN for what
/// a spreadsheet would break on. A text that begins with = + - or @ has \xNN for that character, so that no spreadsheet
/// takes it for a formula. Not measured: an empty cell. The last columns are origin, round and experts ("3 5|1 2": by
/// layer).
void exportCsv(std::ostream& out, const RunTrace& trace, ExportRange range = {}, const std::stop_token& stop = {});

}  // namespace quibble
