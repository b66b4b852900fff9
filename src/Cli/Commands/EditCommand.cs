using System.CommandLine;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p edit</c>: a picture, and the same picture with another prompt.</summary>
internal static class EditCommand
{
    public static Command Create(CancellationToken cancel)
    {
        var prompts = new Argument<string[]>("prompts")
        {
            Description = "Prompt of the source picture, then those of the edited pictures; with --inversion these alone. A word may carry a weight: (snow:1.5)",
            Arity = ArgumentArity.OneOrMore,
        };
        var image = new Option<string?>("--image") { Description = "Edit this picture, which the first prompt describes; it is inverted first", HelpName = "file" };
        var inversion = new Option<string?>("--inversion") { Description = "Edit a picture that p2p invert has inverted", HelpName = "file" };
        var attention = new Option<bool>("--attention") { Description = "Also draw where each word of each prompt looks, averaged and over time" };
        var command = new Command("edit", "Edit a picture by editing its prompt") { prompts, image, inversion };
        var edit = new EditOptions().AddTo(command);
        command.Add(attention);
        var inverting = new InversionOptions().AddTo(command);
        var run = new PictureRun(command);
        command.SetAction(parse =>
        {
            var texts = parse.GetValue(prompts)!;
            var saved = parse.GetValue(inversion);
            if (saved is not null && parse.GetValue(image) is not null)
                throw new InvalidInputException("--image and --inversion are two pictures; give one of them.");
            if (saved is null && texts.Length < 2)
                throw new InvalidInputException("There is nothing to edit to; give the source prompt and at least one more.");
            using var real = saved is not null ? RealPicture.Saved(saved) : parse.GetValue(image) is { } file ? RealPicture.FromImage(file) : null;
            return run.Execute(
                parse,
                new PictureJob
                {
                    Source = saved is null ? texts[0] : "",
                    Complete = request => edit.Apply(parse, request with { Targets = saved is null ? texts[1..] : texts, WatchAttention = parse.GetValue(attention) }),
                    Prepare = (model, request) => real is null ? request : run.Sampling.Of(parse, request, real.Open(
                        model,
                        inverting.Settings(parse, run.Sampling.Inversion(parse, texts[0])),
                        picture => inverting.Framing(parse, model, picture, run.Sampling.Size(parse)),
                        run.IsQuiet(parse),
                        cancel)),
                    AddPictures = real is null ? PictureJob.AddEdits : real.AddPictures,
                    // Maps are there for a local blend as well, but then nobody wants to see them.
                    AddFiles = parse.GetValue(attention) ? AttentionFiles.Add : (_, _) => { },
                    AddFacts = record => real?.AddFacts(record),
                },
                cancel);
        });
        return command;
    }
}
