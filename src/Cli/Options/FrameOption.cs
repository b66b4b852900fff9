using System.CommandLine;
using System.Globalization;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Cli.Options;

/// <summary>The option <c>--frame</c>.</summary>
/// <param name="group">The heading in help.</param>
/// <param name="choices">The choices, the default first.</param>
internal sealed class FrameOption(HelpGroup group, params string[] choices)
{
    private const double MaxCropWithoutNote = 0.1;

    private readonly Option<string> frame = Parsed.Choice("--frame", "Fit of the image to the model's size", choices[0], choices).In(group);

    /// <summary>All choices.</summary>
    public static FrameOption Any(HelpGroup group) => new(group, "crop", "fit", "pad");

    public Option Option => frame;

    public void AddTo(Command command) => command.Add(frame);

    public FramingKind Read(ParseResult parse) => Enum.Parse<FramingKind>(parse.GetValue(frame)!, ignoreCase: true);

    /// <summary>A note if cropping, the default, removes more than a tenth of the image; else null.</summary>
    public string? Note(ParseResult parse, Framing framing)
    {
        if (parse.IsGiven(frame))
            return null;
        var share = 1 - ((double)framing.Region.Width * framing.Region.Height / ((double)framing.Original.Width * framing.Original.Height));
        return share <= MaxCropWithoutNote ? null
            : string.Create(CultureInfo.InvariantCulture, $"note: only the middle of the {framing.Original} image is used; {share:P0} of it is cropped away (--frame fit uses all of it)");
    }
}
