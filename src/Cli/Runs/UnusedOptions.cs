using System.CommandLine;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;

namespace PromptToPrompt.Cli.Runs;

/// <summary>Notes on options that have no effect on a run. They are not errors: scripts and shown commands give the same options to every method and model.</summary>
internal static class UnusedOptions
{
    // Options that have no effect unless one of some others is given.
    private static readonly (string Option, string[] Others)[] Dependent =
    [
        ("--blend-threshold", ["--blend"]),
        ("--blend-subtract-threshold", ["--blend-subtract"]),
        ("--blend-start", ["--blend", "--blend-subtract", "--mask"]),
        ("--edit-noise", ["--edit-seed"]),
        ("--subject-threshold", ["--subject"]),
    ];

    /// <summary>A note on an option.</summary>
    /// <param name="option">The option.</param>
    /// <param name="reason">Why it has no effect.</param>
    public static string Note(string option, string reason) => $"{option} has no effect: {reason}";

    /// <summary>The notes that apply to every request.</summary>
    /// <param name="model">The model.</param>
    /// <param name="requests">The requests, at least one, each with its command line.</param>
    public static IReadOnlyList<string> OfAll(StableDiffusionModel model, IEnumerable<(ParseResult Parse, ImageRequest Request)> requests) =>
        [.. requests.Select(each => Of(each.Parse, model, each.Request)).Aggregate((notes, others) => notes.Intersect(others))];

    private static IEnumerable<string> Of(ParseResult parse, StableDiffusionModel model, ImageRequest request)
    {
        var (sampling, method) = (request.Sampling, request.Edit.Method);
        var isEdit = request.Edit.Prompts.Count > 0;
        if (parse.IsGiven("--guidance") && isEdit && !method.UsesGuidance)
            yield return Note("--guidance", $"the editing method {method.Name} does not use it");
        var reason = model.Denoiser.TakesGuidance ? "this model has guidance as an input" : sampling.Guidance == 1 ? "guidance 1 turns guidance off" : null;
        if (reason is not null && !(isEdit && !method.UsesGuidance))
        {
            if (parse.IsGiven("--negative") && sampling.Negative.Length > 0)
                yield return Note("--negative", reason);
            if (parse.IsGiven("--guidance-rescale") && sampling.GuidanceRescale != 0)
                yield return Note("--guidance-rescale", reason);
        }

        if (parse.IsGiven("--size") && request.Source.InitialLatents is not null)
            yield return Note("--size", "the image has the size of the initial latents");
        if (model.Shape.UNet.Vector is null)
        {
            foreach (var option in new[] { "--original-size", "--crop", "--target-size" }.Where(parse.IsGiven))
                yield return Note(option, "only SDXL models read it");
        }

        foreach (var (option, others) in Dependent.Where(each => parse.IsGiven(each.Option) && !each.Others.Any(parse.IsGiven)))
            yield return Note(option, $"there is no {InvalidInputException.AnyOf(others)}");
    }
}
