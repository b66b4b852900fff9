using System.CommandLine;
using PromptToPrompt.Diffusion.Imaging;

namespace PromptToPrompt.Cli.Options;

/// <summary>How a given picture is brought to the size that the model works at.</summary>
internal sealed class FrameOption
{
    private readonly Option<string> frame = Parsed.Choice("--frame", "How the picture is brought to the model's size", "crop", "crop", "fit", "pad");

    public Option Option => frame;

    public void AddTo(Command command) => command.Add(frame);

    public FramingKind Read(ParseResult parse) => Enum.Parse<FramingKind>(parse.GetValue(frame)!, ignoreCase: true);
}
