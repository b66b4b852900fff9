using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;

namespace PromptToPrompt.Evaluation.Inversions;

/// <summary>
/// A directory of images with their prompts: from its file <c>captions.txt</c>, each line with a file name, a tab and the prompt;
/// without that file, each file name is the prompt.
/// </summary>
internal static class PhotoFolder
{
    private const string Captions = "captions.txt";
    private static readonly string[] Endings = [".png", ".jpg", ".jpeg", ".webp"];

    /// <summary>Reads the images, in the order of their names or captions, and crops them to a model's size.</summary>
    /// <exception cref="InvalidInputException">The directory does not exist or has no images, or a caption line has no tab.</exception>
    public static IReadOnlyList<SampleImage> Read(string folder, StableDiffusionModel model)
    {
        if (!Directory.Exists(folder))
            throw new InvalidInputException($"The directory {folder} does not exist.");
        var captions = Path.Combine(folder, Captions);
        var named = File.Exists(captions) ? Listed(captions) : ByName(folder);
        if (named.Count == 0)
            throw new InvalidInputException($"{folder} contains no images. Put PNG, JPEG or WebP files there, with their prompts as file names.");
        return [.. named.Select(photo => new SampleImage(photo.File, Framed(Path.Combine(folder, photo.File), model), photo.Prompt, Edit: null))];
    }

    private static List<(string File, string Prompt)> Listed(string captions)
    {
        var listed = new List<(string File, string Prompt)>();
        foreach (var line in File.ReadLines(captions).Where(line => line.Length > 0))
        {
            if (line.Split('\t') is not [var file, var prompt])
                throw new InvalidInputException($"{captions} has the invalid line \"{line}\". Write a file name, a tab and a prompt.");
            listed.Add((file, prompt));
        }

        return listed;
    }

    private static List<(string File, string Prompt)> ByName(string folder) =>
    [
        .. Directory.EnumerateFiles(folder).Where(path => Endings.Contains(Path.GetExtension(path).ToLowerInvariant())).Order(StringComparer.Ordinal)
            .Select(path => (Path.GetFileName(path), Path.GetFileNameWithoutExtension(path))),
    ];

    private static Image Framed(string path, StableDiffusionModel model)
    {
        using var file = ImageFile.Open(path);
        return file.Read(model.Frame(FramingKind.Crop, file.Size));
    }
}
