using System.Text.Json;
using System.Text.Json.Serialization;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Files;
using PromptToPrompt.Diffusion.Storage.Hub;

namespace PromptToPrompt.Evaluation.PieBench;

/// <summary>A data set in the layout of PIE-Bench: <c>mapping_file.json</c> and the folder <c>annotation_images</c>.</summary>
/// <param name="Folder">The folder with both.</param>
/// <param name="Items">The items, by identifier.</param>
internal sealed record PieBenchData(string Folder, IReadOnlyList<PieBenchItem> Items)
{
    /// <summary>Name of the folder of images.</summary>
    public const string ImageFolder = "annotation_images";

    private const string Mapping = "mapping_file.json";

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>Reads a data set.</summary>
    /// <exception cref="InvalidInputException">The folder has no data set, or one of its entries is not valid.</exception>
    public static PieBenchData Read(string folder)
    {
        var path = Path.Combine(folder, Mapping);
        InvalidInputException.Require(File.Exists(path), $"{folder} has no {Mapping}. Give the folder of PIE-Bench that contains it and {ImageFolder}.");
        try
        {
            using var file = File.OpenRead(path);
            var entries = JsonSerializer.Deserialize<Dictionary<string, Entry>>(file, Json);
            InvalidInputException.Require(entries?.Count > 0 && entries.Values.All(entry => entry?.Mask is not null), $"{path} has no entries, or one without a mask.");
            return new(folder, [.. entries!.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => entry.Value.Item(entry.Key))]);
        }
        catch (JsonException e)
        {
            throw new InvalidInputException($"{path} is not the mapping of a PIE-Bench: {e.Message}", e);
        }
    }

    /// <summary>Writes the mapping of a data set whose images are there.</summary>
    public void WriteMapping() => AtomicFile.WriteText(Path.Combine(Folder, Mapping), JsonSerializer.Serialize(Items.ToDictionary(item => item.Id, Entry.Of), Json));

    /// <summary>Path of an item's image.</summary>
    public string PathOf(PieBenchItem item) => Path.Combine(Folder, ImageFolder, item.ImagePath);

    /// <summary>The image of an item and its mask, at a model's size.</summary>
    public (Image Image, Image Mask) Load(PieBenchItem item, StableDiffusionModel model)
    {
        using var file = ImageFile.Open(PathOf(item));
        var framing = model.Frame(FramingKind.Crop, file.Size);
        var mask = PieBenchMask.Decode(item.MaskRuns, file.Size);
        return (file.Read(framing), PieBenchMask.WithBorder(framing.Framed == file.Size ? mask : Halved(framing.Apply(mask))));
    }

    private static Image Halved(Image mask) => mask with { Rgb = [.. mask.Rgb.Select(value => value > byte.MaxValue / 2 ? byte.MaxValue : byte.MinValue)] };

    // The words that the edit changes stand in brackets.
    internal static string Plain(string prompt) => prompt.Replace("[", "", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal);

    private sealed record Entry(
        [property: JsonRequired] string ImagePath, [property: JsonRequired] string OriginalPrompt, [property: JsonRequired] string EditingPrompt, string? EditingInstruction,
        [property: JsonRequired] string EditingTypeId, string? BlendedWord, [property: JsonRequired] IReadOnlyList<int> Mask)
    {
        public static Entry Of(PieBenchItem item) => new(
            item.ImagePath, item.SourcePrompt, item.TargetPrompt, item.Instruction, $"{item.Type}", item.Blend is [var blend] ? $"{blend.Source} {blend.Target}" : "", item.MaskRuns);

        public PieBenchItem Item(string id)
        {
            InvalidInputException.Require(
                int.TryParse(EditingTypeId, out var type) && type >= 0 && type < PieBenchItem.Types.Count, $"The entry {id} has the editing_type_id \"{EditingTypeId}\". The types are 0 to {PieBenchItem.Types.Count - 1}.");
            InvalidInputException.Require(HubPath.IsSafe(ImagePath), $"The entry {id} has the image_path \"{ImagePath}\". It must be below {ImageFolder}.");
            return new()
            {
                Id = id,
                ImagePath = ImagePath,
                SourcePrompt = Plain(OriginalPrompt),
                TargetPrompt = Plain(EditingPrompt),
                Instruction = EditingInstruction ?? "",
                Type = type,
                Blend = BlendedWord?.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var source, var target, ..] ? [(source, target)] : [],
                MaskRuns = Mask,
            };
        }
    }
}
