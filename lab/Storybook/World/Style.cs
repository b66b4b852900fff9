namespace PromptToPrompt.Storybook.World;

/// <summary>How a picture is made. The geometry is the same in every style.</summary>
public enum Style
{
    /// <summary>The default: a flat picture-book illustration.</summary>
    Image,

    /// <summary>Photo-like: smooth light, a blurred background, darkened corners.</summary>
    Photo,

    /// <summary>A children's drawing: crayon hatching and thick wobbly outlines on white paper.</summary>
    Drawing,

    /// <summary>A watercolor: pale washes with darker edges and a white border.</summary>
    Watercolor,

    /// <summary>A pencil sketch: gray outlines and hatching.</summary>
    Sketch,
}
