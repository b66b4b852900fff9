using System.Globalization;
using System.IO.Compression;
using System.Text;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Api;

/// <summary>All pictures of a project in one ZIP file, with their recipes. It is written while it is sent, one picture at a time.</summary>
internal static class ProjectZip
{
    private const string RecipesFile = "recipes.json";
    private const int LongestName = 60;

    /// <summary>Writes the file.</summary>
    /// <param name="project">The project.</param>
    /// <param name="store">The store with its versions and pictures.</param>
    /// <param name="engine">The engine, which knows the options of the models.</param>
    /// <param name="output">Receives the file.</param>
    /// <param name="cancellationToken">Stops between two pictures.</param>
    public static async Task Write(Project project, StudioStore store, StudioEngine engine, Stream output, CancellationToken cancellationToken)
    {
        var versions = store.Versions(project.Id);
        var digits = Math.Max(2, $"{versions.Select(version => version.Number).DefaultIfEmpty(0).Max()}".Length);
        await using var zip = await ZipArchive.CreateAsync(output, ZipArchiveMode.Create, leaveOpen: true, entryNameEncoding: null, cancellationToken);
        List<ZippedVersion> zipped = [];
        foreach (var version in versions)
        {
            // Deleted meanwhile.
            if (store.Pictures.FindPng(version.Picture) is not { } png)
                continue;
            var name = FileName(version, digits);
            // A PNG is compressed already.
            await Add(zip, name, Recorded(png, version, store, engine), CompressionLevel.NoCompression, version.Created, cancellationToken);
            zipped.Add(new(name, version));
        }

        await Add(zip, RecipesFile, Encoding.UTF8.GetBytes(StudioJson.Write(new ZippedProject(project, zipped))), CompressionLevel.Optimal, project.Created, cancellationToken);
    }

    /// <summary>A name of a file, or of its beginning, from a text: its letters and digits.</summary>
    /// <param name="text">The text.</param>
    /// <param name="otherwise">The name if it has none.</param>
    internal static string NameOf(string text, string otherwise)
    {
        var words = string.Concat(text.ToLowerInvariant().Select(sign => char.IsLetterOrDigit(sign) ? sign : ' ')).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var name = new StringBuilder();
        foreach (var word in words.TakeWhile(word => name.Length + word.Length < LongestName))
            name.Append(name.Length > 0 ? "-" : "").Append(word);
        return name.Length > 0 ? name.ToString() : otherwise;
    }

    private static string FileName(PictureVersion version, int digits) =>
        $"{version.Number.ToString(CultureInfo.InvariantCulture).PadLeft(digits, '0')}-{NameOf(version.Name ?? WeightedPrompt.Parse(version.Recipe.Prompt).Text, "picture")}.png";

    private static byte[] Recorded(byte[] png, PictureVersion version, StudioStore store, StudioEngine engine)
    {
        try
        {
            return PngText.AddTo(png, RunRecord.Texts(version, store.Version, engine.Catalog.ArgumentsOf));
        }
        catch (Diffusion.InvalidInputException)
        {
            // Its source was deleted meanwhile.
            return png;
        }
    }

    private static async Task Add(ZipArchive zip, string name, byte[] content, CompressionLevel compression, DateTimeOffset time, CancellationToken cancellationToken)
    {
        var entry = zip.CreateEntry(name, compression);
        entry.LastWriteTime = time;
        await using var file = await entry.OpenAsync(cancellationToken);
        await file.WriteAsync(content, cancellationToken);
    }

    private sealed record ZippedVersion(string File, PictureVersion Version);

    private sealed record ZippedProject(Project Project, IReadOnlyList<ZippedVersion> Pictures);
}
