using System.CommandLine;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Cli.Options;

/// <summary>The option <c>--frame</c>.</summary>
/// <param name="group">The heading in help.</param>
/// <param name="choices">The choices, the default first.</param>
internal sealed class FrameOption(HelpGroup group, params string[] choices)
{
    private readonly Option<string> frame = Parsed.Choice("--frame", "Fit of the image to the model's size", choices[0], choices).In(group);

    /// <summary>All choices.</summary>
    public static FrameOption Any(HelpGroup group) => new(group, "crop", "fit", "pad");

    public Option Option => frame;

    public void AddTo(Command command) => command.Add(frame);

    public FramingKind Read(ParseResult parse) => Enum.Parse<FramingKind>(parse.GetValue(frame)!, ignoreCase: true);
}
