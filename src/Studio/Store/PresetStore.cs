using System.Text.Json;
using Microsoft.Data.Sqlite;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Store;

/// <summary>Settings under a name, for pictures of any project.</summary>
/// <param name="Name">Their name.</param>
/// <param name="Settings">A recipe with neither prompt nor seed.</param>
public sealed record Preset(string Name, DrawnRecipe Settings);

/// <summary>The presets on disk.</summary>
/// <param name="database">The database.</param>
/// <param name="reserve">Space for deleting on a full disk.</param>
internal sealed class PresetStore(Database database, Reserve reserve)
{
    /// <summary>Raised after a change.</summary>
    public event Action? Changed;

    /// <summary>All presets by name, without those that this version of the program cannot read.</summary>
    public IReadOnlyList<Preset> All() => [.. database.Query("SELECT name, settings FROM presets ORDER BY name COLLATE NOCASE", Read).OfType<Preset>()];

    /// <summary>Stores a preset, in place of one of the same name.</summary>
    public void Save(Preset preset)
    {
        database.Execute(
            "INSERT INTO presets (name, settings) VALUES ($name, $settings) ON CONFLICT (name) DO UPDATE SET settings = $settings",
            ("$name", preset.Name), ("$settings", StudioJson.Write<Recipe>(preset.Settings)));
        Changed?.Invoke();
    }

    /// <summary>Removes a preset.</summary>
    /// <returns>Whether there was one of this name.</returns>
    public bool Remove(string name)
    {
        var removed = reserve.Lend(() => database.Change(open =>
        {
            var found = open.Query("SELECT 1 FROM presets WHERE name = $name", _ => true, ("$name", name)).Count > 0;
            open.Execute("DELETE FROM presets WHERE name = $name", ("$name", name));
            return found;
        }));
        if (removed)
            Changed?.Invoke();
        return removed;
    }

    private static Preset? Read(SqliteDataReader row)
    {
        try
        {
            return new(row.GetString(0), (DrawnRecipe)StudioJson.Read<Recipe>(row.GetString(1)));
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
