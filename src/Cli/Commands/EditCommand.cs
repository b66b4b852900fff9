using System.CommandLine;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Methods;
using PromptToPrompt.Editing.Pipelines;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p edit</c>: makes a picture and its edits by other prompts.</summary>
internal static class EditCommand
{
    public static Command Create(CancellationToken cancellationToken, Repetition? repeats)
    {
        var prompts = new Argument<string[]>("prompts")
        {
            Description = "Source prompt, then one or more target prompts; with --inversion, target prompts only. A word can have a weight: (snow:1.5)",
            Arity = ArgumentArity.OneOrMore,
        };
        var image = new Option<string?>("--image") { Description = "Edit this image; it is inverted first, and the source prompt describes it", HelpName = "file", Group = HelpGroup.Edit };
        var inversion = new Option<string?>("--inversion") { Description = "Edit the image of a file written by p2p invert", HelpName = "file", Group = HelpGroup.Edit };
        var attention = new Option<bool>("--attention") { Description = "Also draw the cross-attention maps of every word, averaged and over time", Group = HelpGroup.Output };
        var feather = Parsed.OptionalNumber<double>("--feather", "Width in pixels of the soft edge inside --mask; the edit is drawn over its source. By default half a latent position with --image or --inversion").In(HelpGroup.Blend);
        var keepOutside = new KeepOutsideOption(
            HelpGroup.Output, "With --image or --inversion: keep the original pixels where an edit changes nothing. false writes the model's image alone, enlarged");
        var command = new Command("edit", "Edit an image by editing its prompt") { prompts, image, inversion }.In(HelpGroup.Images);
        var inverting = InversionOptions.OfEdit().AddTo(command);
        var edit = new EditOptions().AddTo(command);
        command.Add(feather);
        command.Add(attention);
        keepOutside.AddTo(command);
        var run = new ImageRun(command, repeats);
        command.SetAction(parse =>
        {
            var texts = parse.GetValue(prompts)!;
            var (file, saved) = (parse.GetValue(image), parse.GetValue(inversion));
            if (saved is not null && file is not null)
                throw new InvalidInputException("--image", "It cannot be combined with --inversion.", "Use one of them.");
            // A weight or a concept alone is an edit with the same words.
            if (saved is null && texts.Length == 1 && edit.ChangesSourcePrompt(parse))
                texts = [texts[0], texts[0]];
            if (saved is null && texts.Length < 2)
            {
                var others = file is not null && inverting.Choice(parse).EditMethod is LeditsPlusPlus ? ", or name with --concept what to add or remove" : "";
                throw new InvalidInputException($"Only the source prompt is given. Add at least one target prompt{others}. See \"p2p edit --help\".");
            }

            if (saved is not null)
                inverting.RequireUnused(parse, isInverted: true, run.Sampling.DecidedByInversion);
            else if (file is null)
                inverting.RequireUnused(parse, isInverted: false);
            if (saved is null && file is null)
                keepOutside.RequireUnused(parse, "It is for edits of an image: there is no --image and no --inversion.");
            var edge = parse.GetValue(feather);
            InvalidInputException.Require(edge is null || edit.Inputs(parse).Any(), "--feather", "It softens the edge of a mask, and there is none.", "Add --mask, or leave it out.");
            InvalidInputException.Require(edge is null || keepOutside.Read(parse), "--feather", "It has no effect with --keep-outside false.", "Leave one of them out.");
            if (edge is { } width)
                InvalidInputException.RequireRange(width, 0.0, InpaintRequest.MaxFeather, "--feather");
            using var real = saved is not null ? RealImage.Saved(saved, edge) : file is not null ? RealImage.FromImage(file, edge) : null;
            return run.Execute(
                parse,
                new ImageJob
                {
                    Source = saved is null ? texts[0] : "",
                    Inputs = [.. RunInput.Given(parse, image), .. RunInput.Given(parse, inversion), .. edit.Inputs(parse)],
                    Given = real is null ? null : saved is null ? real.Size : Parsed.Named("--inversion", () => real.Size),
                    HasGradient = file is not null && inverting.Settings(parse, texts[0], run.Sampling.Settings(parse)).Method.HasGradient,
                    Edit = () => edit.Read(parse, saved is null ? texts[1..] : texts, inverting.Choice(parse).EditMethod, hasImage: real is not null, parse.GetValue(attention)),
                    Notes = file is null ? [] : inverting.Unused(parse, inverting.Choice(parse).InversionFor()),
                    Observation = new Observation { Attention = parse.GetValue(attention) },
                    Prepare = (model, request) => real is null ? CheckFeather(model, request) : Open(real, model, request, parse),
                    AddImages = real is null ? AddEdits : (folder, result) => real.AddImages(folder, result, keepOutside.Read(parse)),
                    // A local blend records maps too, but they are drawn only with --attention.
                    AddFiles = parse.GetValue(attention) ? AttentionFiles.Add : (_, _) => { },
                    AddFacts = record => real?.AddFacts(record),
                },
                cancellationToken);

            // Too wide a soft edge is refused before the run.
            ImageRequest CheckFeather(StableDiffusionModel model, ImageRequest request)
            {
                if (edge is not null)
                    _ = Opacities(Framing.Whole(request.Sampling.Size ?? new(model.ImageSide, model.ImageSide)), model.Shape.Vae.PixelsPerLatent);
                return request;
            }

            // With a soft edge, an edit is drawn over the model's image of its source.
            void AddEdits(ImageFolder folder, EditResult result)
            {
                if (edge is null)
                {
                    ImageJob.AddEdits(folder, result);
                    return;
                }

                var given = new GivenImage(result.Images[0], Framing.Whole(result.Images[0].Size));
                var opacities = Opacities(given.Framing, result.PixelsPerLatent);
                ImageJob.AddEdits(folder, result, k => given.Draw(result, k, opacities));
            }

            byte[]? Opacities(Framing framing, int perLatent) => Parsed.Named("--feather", () => GivenImage.OpacitiesOf(framing, edit.Mask(parse), perLatent, edge, cancellationToken));
        });
        return command;

        ImageRequest Open(RealImage real, StableDiffusionModel model, ImageRequest request, ParseResult parse)
        {
            var settings = inverting.Settings(parse, request.Source.Prompt, request.Sampling, inverting.Choice(parse).InversionFor(request.Edit.Method));
            if (!real.IsInverted)
                EditRun.Check(model, request.Source, request.Edit, settings);
            var inverted = real.Open(model, settings, Frame, request.Edit.Mask, run.IsQuiet(parse), cancellationToken);
            return request with { Source = run.Sampling.Follow(parse, request.Source, inverted), Edit = request.Edit with { Mask = real.FramedMask } };

            Framing Frame(Image image)
            {
                var framing = inverting.Framing(parse, model, image, run.Sampling.Size(parse));
                if (!run.IsQuiet(parse) && inverting.NoteOn(parse, framing) is { } note)
                    Console.Error.WriteLine(note);
                return framing;
            }
        }
    }
}
