using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using SkiaSharp;

namespace PromptToPrompt.Cli.Runs;

/// <summary>What a file says of how a picture was made.</summary>
/// <param name="Size">Size of the picture; null where the file is a record and no picture.</param>
/// <param name="Record">The record of the run, where p2p has made it.</param>
/// <param name="Parameters">What was made how, in the form of AUTOMATIC1111, which p2p and many others write.</param>
/// <param name="Graph">The same of ComfyUI.</param>
/// <param name="Texts">All texts of the file but the record, as they are.</param>
internal sealed record PictureNotes(
    PixelSize? Size, JsonObject? Record, GenerationParameters? Parameters, ComfyGraph? Graph, IReadOnlyList<PngText> Texts)
{
    private const int MaxRecord = PngText.MaxBytes;

    /// <summary>Whether the file is a picture.</summary>
    public bool IsPicture => Size is not null;

    /// <summary>Whether it says nothing at all.</summary>
    public bool IsEmpty => Record is null && Texts.Count == 0;

    /// <summary>Reads a picture, or a record of a run.</summary>
    /// <exception cref="InvalidInputException">There is no such file, or it is neither.</exception>
    public static PictureNotes Read(string path)
    {
        if (Directory.Exists(path))
            throw new InvalidInputException($"{path} is a folder; give a picture.");
        if (!File.Exists(path))
            throw new InvalidInputException($"There is no file {path}; check the path.");
        try
        {
            using var file = File.OpenRead(path);
            using (var codec = SKCodec.Create(path))
            {
                if (codec is not null)
                {
                    return OfPicture(
                        new PixelSize(codec.Info.Width, codec.Info.Height),
                        codec.EncodedFormat == SKEncodedImageFormat.Png ? PngText.ReadAll(file) : ExifText.ReadAll(file));
                }
            }

            return file.Length <= MaxRecord && Json.Object(File.ReadAllText(path)) is { } record ? new PictureNotes(null, record, null, null, [])
                : throw new InvalidInputException($"{path} is neither a picture nor the record of a run; give one of them.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path} cannot be read ({e.Message.TrimEnd('.')}); check its permissions.", e);
        }
    }

    private static PictureNotes OfPicture(PixelSize size, IReadOnlyList<PngText> texts)
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
