#include "app/run_facts.h"

#include <QCoreApplication>
#include <QFileInfo>
#include <QLocale>
#include <QStringList>

#include "engine/metrics/summary.h"
#include "engine/values/reference_text.h"
#include "views/measure.h"

namespace quibble {

namespace {

using Facts = std::vector<std::pair<QString, QString>>;

struct Text {
    Q_DECLARE_TR_FUNCTIONS(RunFacts)
};

constexpr int kHashDigits = 12;

QString text(const std::string& value) { return QString::fromStdString(value); }
QString shortHash(const std::string& hash) { return text(hash.substr(0, kHashDigits)); }
QString bytesOf(std::int64_t bytes) { return QLocale().formattedDataSize(bytes, 1, QLocale::DataSizeSIFormat); }

QString modelText(const std::string& name, const std::string& format, const std::string& hash) {
    return QStringLiteral("%1 · %2 · %3").arg(text(name), text(format), shortHash(hash));
}

// The file that was chosen, else the model's own name: two references of one format are told apart.
QString referenceName(const RunTrace& trace) {
    const ReferenceSettings& reference = trace.request().reference;
    if (reference.kind == ReferenceKind::File && !reference.path.empty())
        return QFileInfo(text(reference.path)).fileName();
    return text(trace.provenance().reference_name);
}

// What KL was measured against, and whether that is full precision: the one place where the window names a reference.
QString referenceWords(const RunTrace& trace) {
    const RunProvenance& p = trace.provenance();
    QString what;
    switch (referenceRelation(p)) {
        case ReferenceRelation::None: return Text::tr("none");
        case ReferenceRelation::SameWeights: what = Text::tr("the model itself"); break;
        case ReferenceRelation::StoredWeights: what = Text::tr("stored weights"); break;
        case ReferenceRelation::OtherFile: what = referenceName(trace); break;
    }
    if (trace.request().reference.kind == ReferenceKind::File)
        what = referenceName(trace);  // a file that was chosen is named, whatever it holds
    what += QStringLiteral(" · ") + text(p.reference_format);
    return isFullPrecision(p.reference_format) ? what : Text::tr("%1 (quantized)").arg(what);
}

QString prefillText(const RunTrace& trace) {
    const int rounded = trace.provenance().throughput_positions;
    return rounded > 0 ? Text::tr("throughput: %n positions with activations rounded to BF16", nullptr, rounded)
                       : Text::tr("exact");
}

QString perSecond(double tokens, std::int64_t ns) {
    if (tokens < 1 || ns <= 0) return {};
    return formatSpeed(tokens * 1e9 / static_cast<double>(ns));
}

void addModels(const RunTrace& trace, Facts& facts) {
    const RunProvenance& p = trace.provenance();
    facts.emplace_back(Text::tr("Model"), modelText(p.model_name, p.weight_format, p.model_hash));
    if (!trace.request().model_path.empty()) facts.emplace_back(Text::tr("File"), text(trace.request().model_path));
    const bool other_file = referenceRelation(p) == ReferenceRelation::OtherFile;
    facts.emplace_back(
        Text::tr("Reference"),
        referenceWords(trace) + (other_file ? QStringLiteral(" · ") + shortHash(p.reference_hash) : QString()));
    if (!p.draft_name.empty())
        facts.emplace_back(Text::tr("Draft"), modelText(p.draft_name, p.draft_format, p.draft_hash));
}

void addComputing(const RunTrace& trace, Facts& facts) {
    const RunProvenance& p = trace.provenance();
    facts.emplace_back(Text::tr("Arithmetic"), text(p.arithmetic));
    facts.emplace_back(Text::tr("Prefill"), prefillText(trace));
    facts.emplace_back(
        Text::tr("KV cache"),
        Text::tr("%1, at most %2 for %L3 positions").arg(text(p.kv_cache), bytesOf(p.kv_bytes)).arg(p.context));
    if (p.reused_positions > 0) {
        facts.emplace_back(Text::tr("Taken over"),
                           Text::tr("%n positions of an earlier run, %1 shared with it", nullptr, p.reused_positions)
                               .arg(bytesOf(p.reused_bytes)));
    }
    facts.emplace_back(Text::tr("Processor"), Text::tr("%1, %n threads", nullptr, p.threads).arg(text(p.isa)));
}

void addEnd(const RunTrace& trace, Facts& facts) {
    if (!trace.finished()) return;
    const RunFinished& end = *trace.finished();
    const auto own = static_cast<double>(trace.ownPoints().size());
    QStringList speeds;
    if (const QString speed = perSecond(static_cast<double>(prefilledTokens(trace)), end.prefill_ns); !speed.isEmpty())
        speeds << Text::tr("prompt %1").arg(speed);
    if (const auto speed = decodingSpeed(trace)) speeds << Text::tr("text %1").arg(formatSpeed(*speed));
    if (const QString speed = perSecond(own, end.reference_ns); !speed.isEmpty())
        speeds << Text::tr("reference %1").arg(speed);
    if (!speeds.isEmpty()) facts.emplace_back(Text::tr("Speed"), speeds.join(QStringLiteral(" · ")));
    if (end.peak_memory_bytes > 0) facts.emplace_back(Text::tr("Peak memory"), bytesOf(end.peak_memory_bytes));
    if (!end.message.empty()) facts.emplace_back(Text::tr("End"), text(end.message));
}

}  // namespace

QString samplerText(const RunRequest& request) {
    const SamplerSettings& s = request.sampler;
    const QLocale locale;
    QStringList parts{s.temperature == 0 ? Text::tr("greedy")
                                         : Text::tr("temperature %1").arg(locale.toString(s.temperature, 'g', 4))};
    if (s.top_k > 0) parts << Text::tr("top-k %1").arg(s.top_k);
    if (s.top_p < 1) parts << Text::tr("top-p %1").arg(locale.toString(s.top_p, 'g', 4));
    if (s.min_p > 0) parts << Text::tr("min-p %1").arg(locale.toString(s.min_p, 'g', 4));
    parts << Text::tr("seed %1").arg(request.seed);
    return parts.join(QStringLiteral(" · "));
}

Facts runFacts(const RunTrace& trace) {
    const RunProvenance& p = trace.provenance();
    Facts facts;
    if (p.model_name.empty()) return facts;
    addModels(trace, facts);
    facts.emplace_back(Text::tr("Prompt"), Text::tr("%n tokens", nullptr, static_cast<int>(p.prompt_tokens.size())) +
                                               (trace.request().raw ? Text::tr(", raw completion") : QString()));
    facts.emplace_back(Text::tr("Text"), Text::tr("%n tokens", nullptr, static_cast<int>(trace.points().size())));
    facts.emplace_back(Text::tr("Sampling"), samplerText(trace.request()));
    facts.emplace_back(Text::tr("Penalty"), Text::tr("λ %1, list %2")
                                                .arg(QLocale().toString(trace.request().penalty.strength, 'g', 4),
                                                     text(trace.request().penalty.set_name)));
    addComputing(trace, facts);
    addEnd(trace, facts);
    for (const std::string& note : p.notes) facts.emplace_back(Text::tr("Note"), text(note));
    facts.emplace_back(Text::tr("Made by"), Text::tr("Quibble %1").arg(text(p.engine_version)));
    return facts;
}

QString provenanceLine(const RunTrace& trace) {
    const RunProvenance& p = trace.provenance();
    if (p.model_name.empty()) return {};
    QStringList parts{text(p.model_name), text(p.weight_format)};
    if (referenceRelation(p) != ReferenceRelation::None) parts << Text::tr("reference: %1").arg(referenceWords(trace));
    if (trace.request().arithmetic == Arithmetic::F32) parts << Text::tr("f32 arithmetic");
    if (p.throughput_positions > 0) parts << Text::tr("throughput prefill");
    if (p.kv_cache != "f32") parts << Text::tr("KV cache %1").arg(text(p.kv_cache));
    parts << Text::tr("seed %1").arg(trace.request().seed) << Text::tr("model %1").arg(shortHash(p.model_hash))
          << Text::tr("Quibble %1").arg(text(p.engine_version));
    return parts.join(QStringLiteral(" · "));
}

}  // namespace quibble
