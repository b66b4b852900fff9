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
        var imageFile = new Argument<string>("image") { Description = "Image of any size" };
        var mask = new Argument<string>("mask") { Description = "Mask of the same shape: white, or painted on transparency, where the image may change" };
        var prompt = new Argument<string>("prompt") { Description = "Prompt for the whole image" };
        var strength = Parsed.Number("--strength", "Part of the steps to run; below 1 the image under the mask is the starting point", 1.0);
        var feather = Parsed.OptionalNumber<double>("--feather", "Width in pixels of the soft edge inside the mask; by default half a latent position, 0 for a hard edge");
        var frame = FrameOption.Any(HelpGroup.Options);
        var keepOutside = new KeepOutsideOption(HelpGroup.Options, "Keep the original pixels outside the mask");
        var command = new Command("inpaint", "Fill the masked part of an image from a prompt") { imageFile, mask, prompt, strength, feather }.In(HelpGroup.Images);
        keepOutside.AddTo(command);
        frame.AddTo(command);
        var run = new ImageRun(command, repeats);
        command.SetAction(parse =>
        {
            var image = Image.Load(parse.GetValue(imageFile)!);
            var white = Mask.Fit(Mask.Load(parse.GetValue(mask)!), image.Size);
            InpaintResult result = null!;
            return run.Execute(
                parse,
                new ImageJob
                {
                    Source = parse.GetValue(prompt)!,
                    Given = image.Size,
                    Inputs = [new(imageFile, parse.GetValue(imageFile)!), new(mask, parse.GetValue(mask)!)],
                    Make = (model, asked, progress, stop) =>
                    {
                        result = InpaintRun.Execute(
                            model,
                            new InpaintRequest
                            {
                                Image = image,
                                Mask = white,
                                Prompt = asked.Source.Prompt,
                                Sampling = asked.Sampling,
                                InitialLatents = asked.Source.InitialLatents,
                                Frame = frame.Read(parse),
                                Strength = parse.GetValue(strength),
                                Feather = parse.GetValue(feather),
                                KeepOutside = keepOutside.Read(parse),
                            },
                            asked.Observation,
                            progress,
                            stop);
                        return result.Run;
                    },
                    AddImages = (folder, _) => ImageJob.AddAll(folder, Images(), Sheet.CellSide(image)),
                },
                cancellationToken);

            IEnumerable<(string Name, Image Image, string Caption, int? Row)> Images()
            {
                yield return ("source", image, "picture", null);
                yield return ("mask-overlay", MaskOverlay.Draw(image, white), "mask", null);
                yield return ("edit-1", result.Image, parse.GetValue(prompt)!, 0);
            }
        });
        return command;
    }
}
