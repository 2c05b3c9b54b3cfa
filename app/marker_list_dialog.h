// Edits one marker list as text, and says at once which entries are single tokens of the open model.
#pragma once

#include <functional>
#include <string>

#include <QDialog>

#include "engine/text/marker_set.h"
#include "engine/values/result.h"

class QDialogButtonBox;
class QLabel;
class QLineEdit;
class QPlainTextEdit;

namespace quibble {

class MarkerListDialog : public QDialog {
    Q_OBJECT
public:
    /// `resolve` tells how a list stands in the open model's vocabulary; empty: no model is open.
    /// `save` writes the list; its error is shown and the dialog stays.
    struct Hooks {
        std::function<ResolvedMarkers(const MarkerSet&)> resolve;
        std::function<Result<void>(const MarkerSet&)> save;
    };
    MarkerListDialog(const MarkerSet& set, Hooks hooks, QWidget* parent);

    [[nodiscard]] QLineEdit* nameEdit() const { return name_; }
    [[nodiscard]] QPlainTextEdit* wordsEdit() const { return words_; }
    [[nodiscard]] QLabel* verdict() const { return verdict_; }

public slots:
    void accept() override;

signals:
    void saved(const QString& name);

private:
    [[nodiscard]] Result<MarkerSet> read() const;
    void review();

    Hooks hooks_;
    QString note_;
    QLineEdit* name_;
    QPlainTextEdit* words_;
    QLabel* verdict_;
    QDialogButtonBox* buttons_;
};

}  // namespace quibble
