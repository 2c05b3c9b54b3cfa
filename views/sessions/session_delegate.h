// A row of the browser: a dot for a run, the title, and a muted line under it whose right end, the status, is never cut
// off. A title that does not fit is shown from where it begins to differ from its neighbours'.
#pragma once

#include <QStyledItemDelegate>

namespace quibble {

class SessionDelegate : public QStyledItemDelegate {
    Q_OBJECT
public:
    using QStyledItemDelegate::QStyledItemDelegate;
    [[nodiscard]] QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override;
    void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;
    /// Fills an editor once: what is typed stays, whatever happens to the row meanwhile.
    void setEditorData(QWidget* editor, const QModelIndex& index) const override;
    void updateEditorGeometry(QWidget* editor, const QStyleOptionViewItem& option,
                              const QModelIndex& index) const override;
};

}  // namespace quibble
