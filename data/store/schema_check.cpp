#include "data/store/schema_check.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <sqlite3.h>

#include "data/store/database.h"

namespace quibble {

namespace {

// Cuts a script behind each semicolon that ends a statement. Semicolons in comments and texts end none.
std::vector<std::string> statementsOf(const std::string& script) {
    std::vector<std::string> statements;
    std::size_t begin = 0;
    for (std::size_t semicolon = script.find(';'); semicolon != std::string::npos;
         semicolon = script.find(';', semicolon + 1)) {
        std::string statement = script.substr(begin, semicolon + 1 - begin);
        if (sqlite3_complete(statement.c_str()) == 0) continue;
        statements.push_back(std::move(statement));
        begin = semicolon + 1;
    }
    return statements;
}

// Runs the statements one by one. Where a column is already there, an earlier attempt has added it, and the statement
// is passed over.
void runStatements(SQLite::Database& db, const char* script) {
    for (const std::string& statement : statementsOf(script)) {
        try {
            db.exec(statement);
        } catch (const SQLite::Exception& exception) {
            if (std::string_view(exception.what()).find("duplicate column name") == std::string_view::npos) throw;
        }
    }
}

Result<void> backUp(SQLite::Database& db, const std::filesystem::path& path, std::int64_t version) {
    const std::filesystem::path backup = path.string() + ".v" + std::to_string(version) + ".backup";
    std::error_code ignored;
    std::filesystem::remove(backup, ignored);  // of an earlier attempt; VACUUM INTO wants no file there
    return guarded("saving " + path.string() + " as " + backup.string() + " before bringing it up to date",
                   [&]() -> Result<void> {
                       SQLite::Statement vacuum(db, "VACUUM INTO ?");
                       vacuum.bind(1, backup.string());
                       vacuum.exec();
                       return {};
                   });
}

using Objects = std::map<std::string, std::string>;  // "table run" -> its SQL

Objects schemaOf(SQLite::Database& db) {
    Objects objects;
    SQLite::Statement query(db,
                            "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'");
    while (query.executeStep())
        objects[query.getColumn(0).getString() + " " + query.getColumn(1).getString()] = query.getColumn(2).getString();
    return objects;
}

}  // namespace

Result<void> migrate(SQLite::Database& db, const std::filesystem::path& path, std::span<const Migration> migrations) {
    const std::int64_t found = pragmaInteger(db, "user_version");
    if (found > 0 && found < migrations.back().version) {
        if (const auto saved = backUp(db, path, found); !saved) return saved;
    }
    for (const Migration& step : migrations) {
        if (step.version <= found) continue;
        const auto done = guarded("bringing " + path.string() + " to schema version " + std::to_string(step.version),
                                  [&]() -> Result<void> {
                                      WriteTransaction transaction(db);
                                      runStatements(db, step.sql);
                                      db.exec("PRAGMA user_version = " + std::to_string(step.version));
                                      db.exec("PRAGMA application_id = " + std::to_string(kApplicationId));
                                      transaction.commit();
                                      return {};
                                  });
        if (!done) return done;
    }
    return {};
}

Result<void> checkSchema(SQLite::Database& db, const std::filesystem::path& path,
                         std::span<const Migration> migrations) {
    SQLite::Database model(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    for (const Migration& step : migrations) runStatements(model, step.sql);
    const Objects expected = schemaOf(model), actual = schemaOf(db);
    const auto damaged = [&](const std::string& why) {
        return fail(ErrorCode::FileCorrupt, path.string() + ": " + why,
                    "The file was damaged or changed by another program: restore a backup");
    };
    for (const auto& [name, sql] : expected) {
        const auto found = actual.find(name);
        if (found == actual.end()) return damaged(name + " is missing");
        if (found->second != sql) return damaged(name + " is not as this program makes it");
    }
    for (const auto& [name, sql] : actual) {
        const bool harmless =
            name.starts_with("index ") || (name.starts_with("table ") && !sql.starts_with("CREATE VIRTUAL"));
        if (!expected.contains(name) && !harmless) return damaged(name + " does not belong there");
    }
    return {};
}

}  // namespace quibble
