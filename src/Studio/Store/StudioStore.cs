using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Data.Sqlite;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Imaging;
using PromptToPrompt.Studio.Recipes;
using SkiaSharp;

namespace PromptToPrompt.Studio.Store;

/// <summary>
/// Projects, versions and pictures on disk. Pictures are kept once, under a name that is a hash of their bytes, and never change; so a browser
/// may keep them for good.
/// </summary>
public sealed class StudioStore
{
    private const string Schema = """
        PRAGMA journal_mode = WAL;
        CREATE TABLE IF NOT EXISTS projects (id TEXT PRIMARY KEY, name TEXT NOT NULL, created TEXT NOT NULL);
        CREATE TABLE IF NOT EXISTS pictures (name TEXT PRIMARY KEY, width INTEGER NOT NULL, height INTEGER NOT NULL, png BLOB NOT NULL);
        CREATE TABLE IF NOT EXISTS versions (
            id TEXT PRIMARY KEY, project TEXT NOT NULL REFERENCES projects(id), parent TEXT, number INTEGER NOT NULL, recipe TEXT NOT NULL,
            key TEXT NOT NULL, picture TEXT NOT NULL, facts TEXT NOT NULL, maps BLOB, created TEXT NOT NULL, UNIQUE (project, number));
        CREATE INDEX IF NOT EXISTS versions_key ON versions (key);
        """;

    private const string Columns = "id, project, parent, number, recipe, picture, facts, created";

    private readonly string connection;
    private readonly TimeProvider clock;
    private readonly Lock writing = new();

    /// <summary>Opens a store, or begins one.</summary>
    /// <param name="folder">The folder it lies in; made where there is none.</param>
    /// <param name="clock">Tells the time.</param>
    /// <exception cref="InvalidInputException">Nothing can be stored there.</exception>
    public StudioStore(string folder, TimeProvider clock)
    {
        this.clock = clock;
        Folder = Path.GetFullPath(folder);
        try
        {
            Directory.CreateDirectory(InversionFolder);
            connection = new SqliteConnectionStringBuilder { DataSource = Path.Combine(Folder, "studio.db"), ForeignKeys = true }.ToString();
            Execute(Schema);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SqliteException)
        {
            throw new InvalidInputException($"The studio cannot keep its work in {Folder} ({e.Message.TrimEnd('.')}); choose another folder with --data.", e);
        }
    }

    /// <summary>Where it lies.</summary>
    public string Folder { get; }

    private string InversionFolder => Path.Combine(Folder, "inversions");

    /// <summary>The file of an inversion, whether or not it is there.</summary>
    /// <param name="key">The key of its recipe.</param>
    public string InversionFile(string key) => Path.Combine(InversionFolder, $"{key}.safetensors");

    /// <summary>Begins a project.</summary>
    public Project CreateProject(string name)
    {
        var project = new Project(NewId(), name, clock.GetUtcNow(), 0);
        Execute("INSERT INTO projects (id, name, created) VALUES ($id, $name, $created)", ("$id", project.Id), ("$name", name), ("$created", Text(project.Created)));
        return project;
    }

    /// <summary>All projects, the newest first.</summary>
    public IReadOnlyList<Project> Projects() => Query(
        "SELECT id, name, created, (SELECT COUNT(*) FROM versions WHERE project = projects.id) FROM projects ORDER BY created DESC", ReadProject);

    /// <summary>A project, or null.</summary>
    public Project? FindProject(string id) => Query(
        "SELECT id, name, created, (SELECT COUNT(*) FROM versions WHERE project = projects.id) FROM projects WHERE id = $id", ReadProject, ("$id", id)).SingleOrDefault();

    /// <summary>Gives a project another name.</summary>
    public void RenameProject(string id, string name) => Execute("UPDATE projects SET name = $name WHERE id = $id", ("$id", id), ("$name", name));

    /// <summary>The versions of a project in the order they were made.</summary>
    public IReadOnlyList<PictureVersion> Versions(string project) =>
        Query($"SELECT {Columns} FROM versions WHERE project = $project ORDER BY number", ReadVersion, ("$project", project));

    /// <summary>A version, or null.</summary>
    public PictureVersion? FindVersion(string id) => Query($"SELECT {Columns} FROM versions WHERE id = $id", ReadVersion, ("$id", id)).SingleOrDefault();

    /// <summary>A version.</summary>
    /// <exception cref="InvalidInputException">There is none of this id.</exception>
    public PictureVersion Version(string id) => FindVersion(id) ?? throw new InvalidInputException($"There is no version \"{id}\".");

    /// <summary>The key of a version's recipe; see <see cref="RecipeKey"/>.</summary>
    /// <exception cref="InvalidInputException">There is no version of this id.</exception>
    public string KeyOf(string version) => Query("SELECT key FROM versions WHERE id = $id", row => row.GetString(0), ("$id", version)).SingleOrDefault()
        ?? throw new InvalidInputException($"There is no version \"{version}\".");

    /// <summary>A version made by a recipe of the same key, in any project; null where none was made yet.</summary>
    public PictureVersion? FindMade(string key) => Query($"SELECT {Columns} FROM versions WHERE key = $key LIMIT 1", ReadVersion, ("$key", key)).SingleOrDefault();

    /// <summary>The version of a project that a recipe of the same key made from the same parent; null where there is none.</summary>
    public PictureVersion? FindMade(string key, string project, string? parent) => Query(
        $"SELECT {Columns} FROM versions WHERE key = $key AND project = $project AND parent IS $parent LIMIT 1",
        ReadVersion, ("$key", key), ("$project", project), ("$parent", parent)).SingleOrDefault();

    /// <summary>The attention maps of a version as they were stored; null where there are none.</summary>
    public byte[]? Maps(string version) =>
        Query("SELECT maps FROM versions WHERE id = $id", row => row.IsDBNull(0) ? null : row.GetFieldValue<byte[]>(0), ("$id", version)).SingleOrDefault();

    /// <summary>Adds a version to a project.</summary>
    public PictureVersion AddVersion(string project, string? parent, Recipe recipe, string key, string picture, VersionFacts facts, byte[]? maps)
    {
        lock (writing)
        {
            var number = 1 + Query("SELECT COALESCE(MAX(number), 0) FROM versions WHERE project = $project", row => row.GetInt32(0), ("$project", project))[0];
            var version = new PictureVersion(NewId(), project, parent, number, recipe, picture, facts, clock.GetUtcNow());
            Execute(
                "INSERT INTO versions (id, project, parent, number, recipe, key, picture, facts, maps, created) "
                    + "VALUES ($id, $project, $parent, $number, $recipe, $key, $picture, $facts, $maps, $created)",
                ("$id", version.Id), ("$project", project), ("$parent", parent), ("$number", number), ("$recipe", StudioJson.Write(recipe)), ("$key", key),
                ("$picture", picture), ("$facts", StudioJson.Write(facts)), ("$maps", maps), ("$created", Text(version.Created)));
            return version;
        }
    }

    /// <summary>Stores a picture and gives the name it is under from now on.</summary>
    public string AddPicture(Picture picture)
    {
        using var bitmap = picture.ToBitmap();
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        var png = data.ToArray();
        var name = Convert.ToHexStringLower(SHA256.HashData(png))[..32];
        Execute(
            "INSERT OR IGNORE INTO pictures (name, width, height, png) VALUES ($name, $width, $height, $png)",
            ("$name", name), ("$width", picture.Width), ("$height", picture.Height), ("$png", png));
        return name;
    }

    /// <summary>Whether there is a picture of this name.</summary>
    public bool HasPicture(string name) => Query("SELECT 1 FROM pictures WHERE name = $name", _ => true, ("$name", name)).Count > 0;

    /// <summary>A picture as PNG, or null.</summary>
    public byte[]? FindPng(string name) => Query("SELECT png FROM pictures WHERE name = $name", row => row.GetFieldValue<byte[]>(0), ("$name", name)).SingleOrDefault();

    /// <summary>A picture.</summary>
    /// <exception cref="InvalidInputException">There is none of this name.</exception>
    public Picture Picture(string name)
    {
        using var png = new MemoryStream(FindPng(name) ?? throw new InvalidInputException($"There is no picture \"{name}\"; send it first."));
        return PictureReader.Read(png, name);
    }

    private static string NewId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

    private static string Text(DateTimeOffset time) => time.ToString("O", CultureInfo.InvariantCulture);

    private static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind);

    private static Project ReadProject(SqliteDataReader row) => new(row.GetString(0), row.GetString(1), Time(row.GetString(2)), row.GetInt32(3));

    private static PictureVersion ReadVersion(SqliteDataReader row) => new(
        row.GetString(0), row.GetString(1), row.IsDBNull(2) ? null : row.GetString(2), row.GetInt32(3), StudioJson.Read<Recipe>(row.GetString(4)),
        row.GetString(5), StudioJson.Read<VersionFacts>(row.GetString(6)), Time(row.GetString(7)));

    private void Execute(string sql, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        using var open = Open();
        using var command = Command(open, sql, values);
        command.ExecuteNonQuery();
    }

    private List<T> Query<T>(string sql, Func<SqliteDataReader, T> read, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        using var open = Open();
        using var command = Command(open, sql, values);
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
            rows.Add(read(reader));
        return rows;
    }

    private static SqliteCommand Command(SqliteConnection open, string sql, ReadOnlySpan<(string Name, object? Value)> values)
    {
        var command = open.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in values)
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command;
    }

    private SqliteConnection Open()
    {
        var open = new SqliteConnection(connection);
        open.Open();
        return open;
    }
}
