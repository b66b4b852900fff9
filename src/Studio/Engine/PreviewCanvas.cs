using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Editing.Compositing;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Engine;

/// <summary>An uploaded picture, reduced, in which the previews of its edits are shown.</summary>
/// <param name="store">The store.</param>
/// <param name="picture">Store name of the picture.</param>
/// <param name="kind">How the model sees it.</param>
internal sealed class PreviewCanvas(StudioStore store, string picture, FramingKind kind)
{
    private const int Side = 768;

    private readonly Lazy<Image> reduced = new(() => store.Pictures.ReadWithin(picture, Side));

    /// <summary>Draws a preview into the picture.</summary>
    public Image Show(Image preview)
    {
        var framing = VersionFraming.Create(kind, reduced.Value.Size, preview.Size);
        return Composite.Create(reduced.Value, framing, preview, OpacityMap.Whole(framing));
    }
}
