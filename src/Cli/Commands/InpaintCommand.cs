using System.CommandLine;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Rendering;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Editing.Pipelines;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p inpaint</c>: fills the masked part of a picture from a prompt.</summary>
internal static class InpaintCommand
{
    public static Command Create(CancellationToken cancellationToken, Repetition? repeats)
    {
        var image = new Argument<string>("image") { Description = "Image of any size" };
        var mask = new Argument<string>("mask") { Description = "Mask of the same shape: white, or painted on transparency, where the image may change" };
        var prompt = new Argument<string>("prompt") { Description = "Prompt for the whole image" };
        var strength = Parsed.Number("--strength", "Part of the steps to run; below 1 the image under the mask is the starting point", 1.0);
        var feather = Parsed.Number("--feather", "Width in pixels of the soft edge inside the mask", 0.0);
        var frame = FrameOption.Any(HelpGroup.Options);
        var keepOutside = new Option<bool>("--keep-outside")
        {
            Description = "Keep the original pixels outside the mask",
            HelpName = "true|false",
            Arity = ArgumentArity.ExactlyOne,
            DefaultValueFactory = _ => true,
        };
        var command = new Command("inpaint", "Fill the masked part of an image from a prompt") { image, mask, prompt, strength, feather, keepOutside }.In(HelpGroup.Images);
        frame.AddTo(command);
        var run = new PictureRun(command, repeats);
        command.SetAction(parse =>
        {
            var picture = Picture.Load(parse.GetValue(image)!);
            var white = Mask.Fit(Mask.Load(parse.GetValue(mask)!), picture.Size);
            InpaintResult result = null!;
            return run.Execute(
                parse,
                new PictureJob
                {
                    Source = parse.GetValue(prompt)!,
                    Given = picture.Size,
                    Inputs = [new(image, parse.GetValue(image)!), new(mask, parse.GetValue(mask)!)],
                    Make = (model, asked, progress, stop) =>
                    {
                        result = InpaintRun.Execute(
                            model,
                            new InpaintRequest
                            {
                                Picture = picture,
                                Mask = white,
                                Prompt = asked.Source.Prompt,
                                Sampling = asked.Sampling,
                                InitialLatents = asked.Source.InitialLatents,
                                Frame = frame.Read(parse),
                                Strength = parse.GetValue(strength),
                                Feather = parse.GetValue(feather),
                                KeepOutside = parse.GetValue(keepOutside),
                            },
                            asked.Observation,
                            progress,
                            stop);
                        return result.Run;
                    },
                    AddPictures = (folder, _) => PictureJob.AddAll(folder, Pictures(), Sheet.CellSide(picture)),
                },
                cancellationToken);

            IEnumerable<(string Name, Picture Picture, string Caption, int? Row)> Pictures()
            {
                yield return ("source", picture, "picture", null);
                yield return ("mask-overlay", MaskOverlay.Draw(picture, white), "mask", null);
                yield return ("edit-1", result.Picture, parse.GetValue(prompt)!, 0);
            }
        });
        return command;
    }
}
