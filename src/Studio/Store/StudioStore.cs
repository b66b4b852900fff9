using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Data.Sqlite;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Store;

/// <summary>
/// Projects and versions on disk, with their <see cref="Pictures"/>, jobs and grids.
/// </summary>
public sealed class StudioStore : IDisposable
{
    private const int MaxSearchWords = 16;

    private const string Unfinished = ".unfinished";

    private const string Columns = "id, project, parent, number, recipe, picture, facts, created, name, favorite";

    // The column behind these.
    private const int MapsColumn = 10;

    private readonly Database database;
    private readonly Deletions deletions;
    private readonly Housekeeping housekeeping;
    private readonly ProjectChanges changes = new();
    private readonly TimeProvider clock;
    private readonly FileStream claim;

    /// <summary>Opens or creates a store.</summary>
    /// <param name="folder">Its folder; created if missing.</param>
    /// <param name="clock">The clock.</param>
    /// <exception cref="InvalidInputException">The folder is not writable.</exception>
    public StudioStore(string folder, TimeProvider clock)
    {
        this.clock = clock;
        Folder = Path.GetFullPath(folder);
        try
        {
            Directory.CreateDirectory(InversionFolder);
            Directory.CreateDirectory(Path.Combine(Folder, "words"));
            claim = Claim();
            var reserve = new Reserve(Path.Combine(Folder, "reserve"));
            database = reserve.Lend(() => new Database(Path.Combine(Folder, "studio.db"), StoreSchema.Text));
            Jobs = new JobStore(database, reserve);
            Grids = new GridStore(database, reserve, changes);
            FetchedModels = new FetchedModels(database, reserve);
            Presets = new PresetStore(database, reserve);
            deletions = new Deletions(database, clock);
            housekeeping = new Housekeeping(database, deletions, reserve, InversionFolder, clock);
            Pictures = new PictureStore(database, housekeeping, deletions);
            housekeeping.Begin();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SqliteException or DiskFullException)
        {
            database?.Dispose();
            claim?.Dispose();
            throw new InvalidInputException("Data", $"The studio cannot write to {Folder} ({e.Message.TrimEnd('.')}).", "Use another folder.", e);
        }
    }

    /// <summary>Its folder.</summary>
    public string Folder { get; }

    /// <summary>The pictures of all projects.</summary>
    public PictureStore Pictures { get; }

    /// <summary>The unfinished jobs.</summary>
    internal JobStore Jobs { get; }

    /// <summary>The grids.</summary>
    internal GridStore Grids { get; }

    /// <summary>The models that were fetched from the hub.</summary>
    internal FetchedModels FetchedModels { get; }

    /// <summary>The presets.</summary>
    internal PresetStore Presets { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        database.Dispose();
        claim.Dispose();
    }

    private string InversionFolder => Path.Combine(Folder, "inversions");

    /// <summary>Path of an inversion file, which may not exist.</summary>
    /// <param name="key">The key of its recipe.</param>
    public string InversionFile(string key) => Path.Combine(InversionFolder, $"{key}.safetensors");

    /// <summary>Path of the file with what an interrupted job has learned so far, which may not exist.</summary>
    internal string UnfinishedFile(string job) => Path.Combine(Folder, "words", $"{job}{Unfinished}");

    /// <summary>Deletes these files of jobs that are gone.</summary>
    internal void RemoveUnfinishedFiles()
    {
        foreach (var file in Directory.GetFiles(Path.Combine(Folder, "words"), $"*{Unfinished}").ExceptBy(Jobs.Ids(), file => Path.GetFileNameWithoutExtension(file), StringComparer.Ordinal))
        {
            try
            {
                File.Delete(file);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The next start tries again.
            }
        }
    }

    /// <summary>Completes at the next change of a project: a new or deleted picture, another name, or its deletion.</summary>
    internal Task NextChange(string project) => changes.Next(project);

    /// <summary>Says that a thing is not there, or that it was deleted.</summary>
    /// <param name="kind">Its kind, such as <c>version</c>.</param>
    /// <param name="id">Its id.</param>
    internal string DescribeMissing(string kind, string id) => deletions.Describe(kind, id);

    /// <summary>Stores an unfinished job.</summary>
    internal void AddJob(StoredJob job) => housekeeping.Write(() => Jobs.Add(job));

    /// <summary>Remembers a model that was fetched from the hub.</summary>
    internal void AddFetchedModel(string name, string? variant) => housekeeping.Write(() => FetchedModels.Add(name, variant));

    /// <summary>Stores a preset.</summary>
    internal void SavePreset(Preset preset) => housekeeping.Write(() => Presets.Save(preset));

    /// <summary>Stores a grid.</summary>
    internal StoredGrid AddGrid(string project, Grids.GridPlan plan)
    {
        var grid = new StoredGrid(NewId(), project, plan);
        AddGrid(grid);
        return grid;
    }

    /// <summary>Stores a grid that was removed.</summary>
    internal void AddGrid(StoredGrid grid) => housekeeping.Write(() => Grids.Add(grid));

    /// <summary>Creates a project.</summary>
    public Project CreateProject(string name)
    {
        var project = new Project(NewId(), name, clock.GetUtcNow(), 0);
        housekeeping.Write(() => database.Execute("INSERT INTO projects (id, name, created) VALUES ($id, $name, $created)", ("$id", project.Id), ("$name", name), ("$created", Text(project.Created))));
        return project;
    }

    /// <summary>All projects, the newest first.</summary>
    public IReadOnlyList<Project> Projects() => database.Query(
        "SELECT id, name, created, (SELECT COUNT(*) FROM kept WHERE project = projects.id) FROM projects ORDER BY created DESC", ReadProject);

    /// <summary>Projects whose name or prompts contain all words of a text, the newest first.</summary>
    /// <param name="search">The text; empty for all projects.</param>
    public IReadOnlyList<Project> Projects(string search)
    {
        var words = search.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0)
            return Projects();
        return database.Query(
            """
            SELECT id, name, created, (SELECT COUNT(*) FROM kept WHERE project = projects.id) FROM projects
            WHERE NOT EXISTS (
                SELECT 1 FROM json_each($words) WHERE instr(lower(name), value) = 0
                    AND NOT EXISTS (SELECT 1 FROM kept WHERE project = projects.id AND instr(lower(json_extract(recipe, '$.prompt')), value) > 0))
            ORDER BY created DESC
            """,
            ReadProject, ("$words", StudioJson.Write(words.Take(MaxSearchWords).Select(word => word.ToLowerInvariant()))));
    }

    /// <summary>A project, or null.</summary>
    public Project? FindProject(string id) => database.Query(
        "SELECT id, name, created, (SELECT COUNT(*) FROM kept WHERE project = projects.id) FROM projects WHERE id = $id", ReadProject, ("$id", id)).SingleOrDefault();

    /// <summary>Renames a project.</summary>
    public void RenameProject(string id, string name)
    {
        database.Execute("UPDATE projects SET name = $name WHERE id = $id", ("$id", id), ("$name", name));
        changes.Tell(id);
    }

    /// <summary>Names a version and says whether it is a favorite.</summary>
    /// <param name="version">The version.</param>
    /// <param name="name">Its name; null for none.</param>
    /// <param name="isFavorite">Whether it is a favorite.</param>
    public void Mark(PictureVersion version, string? name, bool isFavorite)
    {
        database.Execute(
            "INSERT INTO marks (version, name, favorite) SELECT id, $name, $favorite FROM versions WHERE id = $id ON CONFLICT (version) DO UPDATE SET name = $name, favorite = $favorite",
            ("$id", version.Id), ("$name", name), ("$favorite", isFavorite ? 1 : 0));
        changes.Tell(version.Project);
    }

    /// <summary>The versions of a project in the order they were made.</summary>
    public IReadOnlyList<PictureVersion> Versions(string project) =>
        database.Query($"SELECT {Columns} FROM kept WHERE project = $project ORDER BY number", ReadVersion, ("$project", project));

    /// <summary>A version, or null.</summary>
    public PictureVersion? FindVersion(string id) => database.Query($"SELECT {Columns} FROM kept WHERE id = $id", ReadVersion, ("$id", id)).SingleOrDefault();

    /// <summary>A version.</summary>
    /// <exception cref="InvalidInputException">There is no such version.</exception>
    public PictureVersion Version(string id) => FindVersion(id) ?? throw new InvalidInputException(DescribeMissing("version", id));

    /// <summary>The key of a version's recipe; see <see cref="RecipeKey"/>.</summary>
    /// <exception cref="InvalidInputException">There is no version of this id.</exception>
    public string KeyOf(string version) => FindKey(version) ?? throw new InvalidInputException(DescribeMissing("version", version));

    /// <summary>The key of a version's recipe, or null.</summary>
    public string? FindKey(string version) => database.Query("SELECT key FROM versions WHERE id = $id", row => row.GetString(0), ("$id", version)).SingleOrDefault();

    /// <summary>A version with this picture, or null.</summary>
    public PictureVersion? FindShowing(string picture) =>
        database.Query($"SELECT {Columns} FROM kept WHERE picture = $picture ORDER BY created LIMIT 1", ReadVersion, ("$picture", picture)).SingleOrDefault();

    /// <summary>Ids of all versions with a key.</summary>
    public IReadOnlyList<string> VersionsOf(string key) => database.Query("SELECT id FROM kept WHERE key = $key", row => row.GetString(0), ("$key", key));

    /// <summary>Whether changes reach the folder: the disk may be full or read-only, the folder deleted or replaced.</summary>
    internal bool IsWritable() => database.IsWritable();

    /// <summary>The version of a project with this key and parent, or null.</summary>
    public PictureVersion? FindMade(string key, string project, string? parent) => database.Query(
        $"SELECT {Columns} FROM kept WHERE key = $key AND project = $project AND parent IS $parent LIMIT 1",
        ReadVersion, ("$key", key), ("$project", project), ("$parent", parent)).SingleOrDefault();

    /// <summary>The stored attention maps of a version, or null.</summary>
    public byte[]? Maps(string version) =>
        database.Query("SELECT maps FROM versions WHERE id = $id", row => ReadMaps(row, 0), ("$id", version)).SingleOrDefault();

    /// <summary>Adds a version to a project.</summary>
    /// <exception cref="InvalidInputException">The project or the source was deleted meanwhile.</exception>
    public PictureVersion AddVersion(string project, string? parent, Recipe recipe, string key, string picture, VersionFacts facts, byte[]? maps)
    {
        var version = housekeeping.Write(() => database.Change(open => Insert(open, project, parent, recipe, key, picture, facts, maps)));
        changes.Tell(project);
        return version;
    }

    /// <summary>Adds a version with the picture of another one of the same key, which may be in the trash.</summary>
    /// <returns>The version; null if there is no such picture.</returns>
    /// <inheritdoc cref="AddVersion"/>
    internal PictureVersion? AddMadeVersion(string project, string? parent, Recipe recipe, string key)
    {
        // Found in the same change: the trash is emptied if the disk is full.
        var version = housekeeping.Write(() => database.Change(open =>
        {
            var made = open.Query($"SELECT {Columns}, maps FROM described WHERE key = $key LIMIT 1", row => (Version: ReadVersion(row), Maps: ReadMaps(row, MapsColumn)), ("$key", key));
            return made is [var (other, maps)] ? Insert(open, project, parent, recipe, key, other.Picture, other.Facts, maps) : null;
        }));
        if (version is not null)
            changes.Tell(project);
        return version;
    }

    /// <summary>A version and its descendants, itself first, with those in the trash; empty if it does not exist.</summary>
    public IReadOnlyList<string> WithDescendants(string version) => database.Query(
        """
        WITH RECURSIVE made(id) AS (
            SELECT id FROM versions WHERE id = $id
            UNION SELECT child.id FROM made JOIN versions child ON child.parent = made.id OR json_extract(child.recipe, '$.source') = made.id
            WHERE child.project = (SELECT project FROM versions WHERE id = $id))
        SELECT id FROM made
        """,
        row => row.GetString(0), ("$id", version));

    /// <summary>Moves versions to the trash: nothing shows them, but they can be restored until they are removed.</summary>
    /// <param name="project">Id of their project.</param>
    /// <param name="versions">Their ids.</param>
    /// <returns>Those that were not there yet.</returns>
    internal IReadOnlyList<string> Trash(string project, IReadOnlyCollection<string> versions)
    {
        var moved = housekeeping.Trash(versions);
        changes.Tell(project);
        return moved;
    }

    /// <summary>Takes versions out of the trash, except those whose parent or source is gone.</summary>
    /// <param name="project">Id of their project.</param>
    /// <param name="versions">Their ids.</param>
    /// <returns>Those that are not in the trash now.</returns>
    internal IReadOnlyList<string> Restore(string project, IReadOnlyCollection<string> versions)
    {
        var left = housekeeping.Restore(versions);
        changes.Tell(project);
        return [.. versions.Except(left)];
    }

    /// <summary>Those of some versions that are in the trash.</summary>
    internal IReadOnlyList<string> Trashed(IReadOnlyCollection<string> versions) =>
        database.Query("SELECT version FROM trash WHERE version IN (SELECT value FROM json_each($ids))", row => row.GetString(0), ("$ids", StudioJson.Write(versions)));

    /// <summary>Removes versions with all pictures, maps and inversions that only they use.</summary>
    /// <param name="project">Id of their project.</param>
    /// <param name="versions">Their ids; see <see cref="WithDescendants"/>.</param>
    /// <returns>The keys that no remaining version has.</returns>
    internal IReadOnlyList<string> RemoveVersions(string project, IReadOnlyCollection<string> versions)
    {
        var keys = housekeeping.Remove(versions, project: null);
        changes.Tell(project);
        return keys;
    }

    /// <summary>Removes a project with its versions.</summary>
    internal IReadOnlyList<string> RemoveProject(string project)
    {
        var keys = housekeeping.Remove(database.Query("SELECT id FROM versions WHERE project = $project", row => row.GetString(0), ("$project", project)), project);
        changes.Tell(project);
        return keys;
    }

    private PictureVersion Insert(SqliteConnection open, string project, string? parent, Recipe recipe, string key, string picture, VersionFacts facts, byte[]? maps)
    {
        if (open.Query("SELECT 1 FROM projects WHERE id = $id", _ => true, ("$id", project)).Count == 0)
            throw new InvalidInputException("The project was deleted while the picture was made.");
        foreach (var needed in new[] { parent, (recipe as EditedRecipe)?.Source }.OfType<string>())
        {
            if (open.Query("SELECT 1 FROM kept WHERE id = $id", _ => true, ("$id", needed)).Count == 0)
                throw new InvalidInputException("The source of the picture was deleted while the picture was made.");
        }

        var number = 1 + open.Query("SELECT COALESCE(MAX(number), 0) FROM versions WHERE project = $project", row => row.GetInt32(0), ("$project", project))[0];
        var version = new PictureVersion(NewId(), project, parent, number, recipe, picture, facts, clock.GetUtcNow());
        open.Execute(
            "INSERT INTO versions (id, project, parent, number, recipe, key, picture, facts, maps, created) "
                + "VALUES ($id, $project, $parent, $number, $recipe, $key, $picture, $facts, $maps, $created)",
            ("$id", version.Id), ("$project", project), ("$parent", parent), ("$number", number), ("$recipe", StudioJson.Write(recipe)), ("$key", key),
            ("$picture", picture), ("$facts", StudioJson.Write(facts)), ("$maps", maps), ("$created", Text(version.Created)));
        // The version now owns its pictures.
        open.Execute(
            "DELETE FROM fresh WHERE picture IN (SELECT picture FROM versions WHERE id = $id UNION SELECT json_extract(facts, '$.mask') FROM versions WHERE id = $id "
                + "UNION SELECT json_extract(facts, '$.output') FROM versions WHERE id = $id "
                + "UNION SELECT json_extract(recipe, '$.picture') FROM versions WHERE id = $id UNION SELECT json_extract(recipe, '$.mask') FROM versions WHERE id = $id)",
            ("$id", version.Id));
        return version;
    }

    // Two processes would resume each other's jobs. The lock ends with the process, however that ends.
    private FileStream Claim()
    {
        try
        {
            return new FileStream(Path.Combine(Folder, "studio.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (e is not DirectoryNotFoundException and not PathTooLongException)
        {
            throw new InvalidInputException("Data", $"Another studio is using {Folder}.", "Close it, or use another folder.", e);
        }
    }

    private static string NewId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

    internal static string Text(DateTimeOffset time) => time.ToString("O", CultureInfo.InvariantCulture);

    private static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind);

    private static byte[]? ReadMaps(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetFieldValue<byte[]>(column);

    private static Project ReadProject(SqliteDataReader row) => new(row.GetString(0), row.GetString(1), Time(row.GetString(2)), row.GetInt32(3));

    private static PictureVersion ReadVersion(SqliteDataReader row) => new(
        row.GetString(0), row.GetString(1), row.IsDBNull(2) ? null : row.GetString(2), row.GetInt32(3), StudioJson.Read<Recipe>(row.GetString(4)),
        row.GetString(5), StudioJson.Read<VersionFacts>(row.GetString(6)), Time(row.GetString(7)))
    {
        Name = row.IsDBNull(8) ? null : row.GetString(8),
        IsFavorite = row.GetInt32(9) != 0,
    };
}
