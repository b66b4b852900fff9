using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Engine;

/// <summary>The result of a recipe.</summary>
/// <param name="Picture">Store name of the picture.</param>
/// <param name="Maps">Its attention maps, or null.</param>
/// <param name="Facts">Measurements and facts.</param>
internal sealed record MadePicture(string Picture, byte[]? Maps, VersionFacts Facts)
{
    /// <summary>The result of a run: its last image, which is stored.</summary>
    public static MadePicture Of(EditResult result, StudioStore store)
    {
        var maps = result.Maps is { } watched ? AttentionRecord.Of(watched, result.Rows[^1], result.Prompts[result.Rows[^1]]).ToJson() : null;
        var image = result.Images[^1];
        return new(store.Pictures.Add(image), maps, new VersionFacts { Width = image.Width, Height = image.Height });
    }

    /// <summary>The same result as part of a picture at its own size.</summary>
    /// <param name="picture">Store name of that picture.</param>
    /// <param name="framing">How the model saw it.</param>
    public MadePicture In(string picture, Framing framing) => this with
    {
        Picture = picture,
        Facts = Facts with { Width = framing.Original.Width, Height = framing.Original.Height, Output = Picture, Seen = SeenPart.Of(framing) },
    };
}
