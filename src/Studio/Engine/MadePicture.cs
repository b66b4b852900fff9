using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Engine;

/// <summary>The result of a recipe.</summary>
/// <param name="Picture">The picture.</param>
/// <param name="Maps">Its attention maps, or null.</param>
/// <param name="Facts">Measurements and facts.</param>
internal sealed record MadePicture(Image Picture, byte[]? Maps, VersionFacts Facts)
{
    /// <summary>The result of a run: its last picture.</summary>
    public static MadePicture Of(EditResult result)
    {
        var maps = result.Maps is { } watched ? AttentionRecord.Of(watched, result.Rows[^1], result.Prompts[result.Rows[^1]]).ToJson() : null;
        var picture = result.Images[^1];
        return new(picture, maps, new VersionFacts { Width = picture.Width, Height = picture.Height });
    }
}
