using Microsoft.Data.Sqlite;

namespace PromptToPrompt.Studio.Store;

/// <summary>Removes what nothing refers to any more. A picture that was just stored is kept for a while, until a version or a job names it.</summary>
/// <param name="database">Where versions, jobs and pictures are.</param>
/// <param name="inversions">Folder of the inversions, each a file named by the key of its recipe.</param>
/// <param name="clock">Tells the time.</param>
internal sealed class Housekeeping(Database database, string inversions, TimeProvider clock)
{
    /// <summary>How long a picture waits for somebody to use it.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromDays(1);

    /// <summary>Marks a picture as just stored.</summary>
    public void Keep(SqliteConnection open, string picture) => open.Execute(
        "INSERT INTO fresh (picture, until) VALUES ($picture, $until) ON CONFLICT (picture) DO UPDATE SET until = $until",
        ("$picture", picture), ("$until", StudioStore.Text(clock.GetUtcNow() + Grace)));

    /// <summary>Removes what was left behind by the last time, when the program was killed perhaps. Nothing may be running.</summary>
    public void Begin()
    {
        database.Change(RemovePictures);
        var known = database.Query("SELECT key FROM versions", row => row.GetString(0)).ToHashSet(StringComparer.Ordinal);
        RemoveFiles(Directory.EnumerateFiles(inversions).Where(file => !known.Contains(Path.GetFileNameWithoutExtension(file).Split('-')[0])));
        database.Shrink();
    }

    /// <summary>Removes versions and what belonged to them alone.</summary>
    /// <param name="versions">Their ids.</param>
    /// <param name="project">A project to remove with them, or null.</param>
    /// <returns>The keys that no version has any more.</returns>
    public IReadOnlyList<string> Remove(IReadOnlyCollection<string> versions, string? project)
    {
        var ids = Recipes.StudioJson.Write(versions);
        var keys = database.Change(open =>
        {
            var before = open.Query("SELECT DISTINCT key FROM versions WHERE id IN (SELECT value FROM json_each($ids))", row => row.GetString(0), ("$ids", ids));
            open.Execute("DELETE FROM versions WHERE id IN (SELECT value FROM json_each($ids))", ("$ids", ids));
            open.Execute("DELETE FROM projects WHERE id = $project", ("$project", project));
            RemovePictures(open);
            return before.Where(key => open.Query("SELECT 1 FROM versions WHERE key = $key LIMIT 1", _ => true, ("$key", key)).Count == 0).ToList();
        });
        RemoveFiles(keys.SelectMany(key => Directory.EnumerateFiles(inversions, $"{key}*")));
        database.Shrink();
        return keys;
    }

    private bool RemovePictures(SqliteConnection open)
    {
        open.Execute("DELETE FROM fresh WHERE until < $now", ("$now", StudioStore.Text(clock.GetUtcNow())));
        open.Execute("DELETE FROM pictures WHERE name NOT IN (SELECT name FROM named WHERE name IS NOT NULL)");
        return true;
    }

    private static void RemoveFiles(IEnumerable<string> files)
    {
        foreach (var file in files.ToList())
        {
            try
            {
                File.Delete(file);
            }
            catch (IOException)
            {
                // Somebody is reading it; it goes at the next start.
            }
        }
    }
}
