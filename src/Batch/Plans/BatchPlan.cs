using System.Security.Cryptography;
using PromptToPrompt.Batch.Settings;
using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Batch.Plans;

/// <summary>Makes an error of a plan.</summary>
/// <param name="line">Line of the file.</param>
/// <param name="field">Field of the line; null if the error concerns the whole line.</param>
/// <param name="problem">The problem and the advice, in full sentences.</param>
internal delegate InvalidInputException PlanError(int line, string? field, string problem);

/// <summary>A plan: the items of a run, in the order of its file.</summary>
/// <param name="Items">The items.</param>
/// <param name="Hash">SHA-256 of the file.</param>
/// <param name="Path">Path of the file, as it was given.</param>
internal sealed record BatchPlan(IReadOnlyList<PlanItem> Items, string Hash, string Path)
{
    /// <summary>Reads and checks a plan: JSON Lines, or CSV if its name ends in <c>.csv</c>.</summary>
    /// <param name="path">Path of the file.</param>
    /// <param name="imageFolder">The folder that paths of images are relative to; null for the plan's own.</param>
    /// <exception cref="InvalidInputException">The file does not exist or has an error; the message names its line and field.</exception>
    public static BatchPlan Read(string path, string? imageFolder = null)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            var problem = Directory.Exists(path) ? "is a folder" : File.Exists(path) ? "cannot be read" : "does not exist";
            throw new InvalidInputException($"{path} {problem}. Give a plan in JSON Lines or CSV.", e);
        }

        return Parse(bytes, path, imageFolder);
    }

    /// <summary>Reads a plan whose bytes are known.</summary>
    /// <param name="bytes">The content of the file.</param>
    /// <param name="path">Path of the file, as it was given.</param>
    /// <param name="imageFolder">The folder that paths of images are relative to; null for the plan's own.</param>
    /// <exception cref="InvalidInputException">The plan has an error; the message names its line and field.</exception>
    public static BatchPlan Parse(byte[] bytes, string path, string? imageFolder = null)
    {
        var lines = System.IO.Path.GetExtension(path).Equals(".csv", StringComparison.OrdinalIgnoreCase) ? CsvLines.Read(bytes, Error) : JsonLines.Read(bytes, Error);
        var reader = new PlanReader(imageFolder ?? System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!, Error);
        IReadOnlyList<PlanItem> items = [.. lines.Select((line, index) => reader.Read(index, line))];
        InvalidInputException.Require(items.Count > 0, $"{path} has no items. Write an object with \"source\" and \"target\" in each line.");
        return new BatchPlan(items, Convert.ToHexStringLower(SHA256.HashData(bytes)), path);

        InvalidInputException Error(int line, string? field, string problem) => new(Located(path, line, field, problem));
    }

    /// <summary>An error of an item that was read, also if a setting of the run does not fit it.</summary>
    /// <param name="item">The item.</param>
    /// <param name="problem">The error.</param>
    public InvalidInputException ErrorOf(PlanItem item, InvalidInputException problem) =>
        new(Located(Path, item.Line, problem.Setting is { } setting ? BatchSettings.KeyOf(setting) : null, problem.Text), problem);

    /// <summary>An error of a field of an item.</summary>
    /// <param name="item">The item.</param>
    /// <param name="field">The field's key.</param>
    /// <param name="problem">The problem and the advice, in full sentences.</param>
    public InvalidInputException ErrorOf(PlanItem item, string field, string problem) => new(Located(Path, item.Line, field, problem));

    /// <summary>Requires that the image of an item exists, if it names one. An item that is finished does not need it.</summary>
    /// <exception cref="InvalidInputException">It does not.</exception>
    public void RequireImage(PlanItem item)
    {
        if (item.ImagePath is { } image && !File.Exists(image))
            throw ErrorOf(item, "image", $"{image} does not exist. Paths are relative to the plan's folder.");
    }

    private static string Located(string path, int line, string? field, string problem) => $"{path}, line {line}{(field is null ? "" : $", \"{field}\"")}: {problem}";
}
