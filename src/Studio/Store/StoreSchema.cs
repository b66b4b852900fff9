namespace PromptToPrompt.Studio.Store;

/// <summary>The database schema. Additions must leave existing tables unchanged, so that old files keep working.</summary>
internal static class StoreSchema
{
    /// <summary>
    /// Creates missing tables: projects, versions, pictures, unfinished jobs, newly stored pictures, deleted versions that can still be brought back, names and
    /// favorites, grids, those that are being made, fetched models and their variants, presets, deleted things, and a mark of the health check. The view <c>described</c> is the versions with names and favorites, <c>kept</c> those that are not
    /// in the trash, <c>needed</c> the names of the pictures that something refers to.
    /// </summary>
    public const string Text = """
        CREATE TABLE IF NOT EXISTS projects (id TEXT PRIMARY KEY, name TEXT NOT NULL, created TEXT NOT NULL);
        CREATE TABLE IF NOT EXISTS pictures (name TEXT PRIMARY KEY, width INTEGER NOT NULL, height INTEGER NOT NULL, png BLOB NOT NULL);
        CREATE TABLE IF NOT EXISTS versions (
            id TEXT PRIMARY KEY, project TEXT NOT NULL REFERENCES projects(id), parent TEXT, number INTEGER NOT NULL, recipe TEXT NOT NULL,
            key TEXT NOT NULL, picture TEXT NOT NULL, facts TEXT NOT NULL, maps BLOB, created TEXT NOT NULL, UNIQUE (project, number));
        CREATE INDEX IF NOT EXISTS versions_key ON versions (key);
        CREATE TABLE IF NOT EXISTS jobs (id TEXT PRIMARY KEY, project TEXT NOT NULL, parent TEXT, recipe TEXT NOT NULL, starts INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS trash (version TEXT PRIMARY KEY);
        CREATE TABLE IF NOT EXISTS fresh (picture TEXT PRIMARY KEY, until TEXT NOT NULL);
        CREATE TABLE IF NOT EXISTS deleted (id TEXT PRIMARY KEY, thing TEXT NOT NULL, at TEXT NOT NULL);
        CREATE TABLE IF NOT EXISTS probe (mark TEXT NOT NULL);
        CREATE TABLE IF NOT EXISTS marks (version TEXT PRIMARY KEY, name TEXT, favorite INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS grids (id TEXT PRIMARY KEY, project TEXT NOT NULL, plan TEXT NOT NULL);
        CREATE TABLE IF NOT EXISTS running (grid TEXT PRIMARY KEY, starts INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS fetched (name TEXT PRIMARY KEY);
        CREATE TABLE IF NOT EXISTS variants (name TEXT PRIMARY KEY, variant TEXT NOT NULL);
        CREATE TABLE IF NOT EXISTS presets (name TEXT PRIMARY KEY, settings TEXT NOT NULL);
        CREATE VIEW IF NOT EXISTS described AS
            SELECT id, project, parent, number, recipe, key, picture, facts, maps, created, name, COALESCE(favorite, 0) AS favorite FROM versions LEFT JOIN marks ON version = id;
        CREATE VIEW IF NOT EXISTS kept AS SELECT * FROM described WHERE id NOT IN (SELECT version FROM trash);
        CREATE VIEW IF NOT EXISTS used (name) AS
            SELECT picture FROM versions UNION ALL SELECT json_extract(facts, '$.mask') FROM versions UNION ALL SELECT json_extract(facts, '$.output') FROM versions
            UNION ALL SELECT json_extract(recipe, '$.picture') FROM versions UNION ALL SELECT json_extract(recipe, '$.mask') FROM versions
            UNION ALL SELECT json_extract(recipe, '$.picture') FROM jobs UNION ALL SELECT json_extract(recipe, '$.mask') FROM jobs
            UNION ALL SELECT picture FROM fresh;
        CREATE VIEW IF NOT EXISTS needed (name) AS SELECT name FROM used UNION ALL SELECT value FROM jobs, json_each(jobs.recipe, '$.pictures');
        """;
}
