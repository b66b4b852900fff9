using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using SkiaSharp;
using ComfyGraph = PromptToPrompt.Studio.Recipes.ComfyGraph;

namespace PromptToPrompt.Cli.Runs;

/// <summary>What a file says about how it was made.</summary>
/// <param name="Size">Size of the picture; null for a run record.</param>
/// <param name="Record">The run record, if p2p made the file.</param>
/// <param name="Parameters">The settings in AUTOMATIC1111's form, which p2p and many other programs write.</param>
/// <param name="Graph">The ComfyUI graph.</param>
/// <param name="Texts">All text chunks except the record.</param>
internal sealed record ImageNotes(
    PixelSize? Size, JsonObject? Record, GenerationParameters? Parameters, ComfyGraph? Graph, IReadOnlyList<PngText> Texts)
{
    private const int MaxRecord = PngText.MaxBytes;

    /// <summary>Whether the file is a picture.</summary>
    public bool IsImage => Size is not null;

    /// <summary>Whether the file contains no text at all.</summary>
    public bool IsEmpty => Record is null && Texts.Count == 0;

    /// <summary>The file that a path stands for: the <c>run.json</c> of a folder, else the path itself.</summary>
    public static string FileOf(string path) => Directory.Exists(path) ? Path.Combine(path, "run.json") : path;

    /// <summary>Reads a picture or a run record.</summary>
    /// <exception cref="InvalidInputException">There is no such file, or it is neither of the two.</exception>
    public static ImageNotes Read(string path)
    {
        if (!File.Exists(path))
            throw new InvalidInputException($"There is no file {path}.");
        try
        {
            using var file = File.OpenRead(path);
            using (var codec = SKCodec.Create(path))
            {
                if (codec is not null)
                {
                    return OfImage(
                        new PixelSize(codec.Info.Width, codec.Info.Height),
                        codec.EncodedFormat == SKEncodedImageFormat.Png ? PngText.ReadAll(file) : ExifText.ReadAll(file));
                }
            }

            return file.Length <= MaxRecord && Json.Object(File.ReadAllText(path)) is { } record ? new ImageNotes(null, record, null, null, [])
                : throw new InvalidInputException($"{path} is neither a picture nor a run record.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path} cannot be read ({e.Message.TrimEnd('.')}). Check its permissions.", e);
        }
    }

    private static ImageNotes OfImage(PixelSize size, IReadOnlyList<PngText> texts)
    {
        return new(
            size,
            Find(PngText.RecordKeyword) is { } record ? Json.Object(record) : null,
            Find(GenerationParameters.Keyword) is { } parameters ? GenerationParameters.Parse(parameters) : null,
            Find(ComfyGraph.Keyword) is { } graph ? ComfyGraph.Parse(graph) : null,
            [.. texts.Where(text => text.Keyword != PngText.RecordKeyword)]);

        string? Find(string keyword) => texts.FirstOrDefault(text => text.Keyword == keyword).Text;
    }
}
