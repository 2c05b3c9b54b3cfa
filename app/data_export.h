// Writes a run as CSV or JSON Lines, and the dialog that asks for form and range.
#pragma once

#include <filesystem>
#include <stop_token>

#include <QDialog>

#include "data/export/trace_export.h"
#include "engine/values/result.h"
#include "engine/values/run_trace.h"

class QComboBox;
class QDialogButtonBox;

namespace quibble {

class RunDocument;

enum class DataFormat { Csv, JsonLines };

/// Replaces `path` in one step or leaves it alone. Any thread. Errors: InvalidArgument, Io, Cancelled.
[[nodiscard]] Result<void> exportTrace(const RunTrace& trace, const std::filesystem::path& path, DataFormat format,
                                       ExportRange range = {}, const std::stop_token& stop = {});

/// "quibble-nano-rtn-3-bit-g64-run12": a file name without ending, for a run and what is exported of it.
[[nodiscard]] QString exportName(const RunDocument& document, const QString& what);

class DataExportDialog : public QDialog {
    Q_OBJECT
public:
    explicit DataExportDialog(const RunDocument& document, QWidget* parent);
    [[nodiscard]] DataFormat format() const;
    [[nodiscard]] ExportRange range() const;

private:
    const RunDocument& document_;
    QComboBox* format_;
    QComboBox* range_;
};

}  // namespace quibble
