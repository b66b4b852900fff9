using System.CommandLine;
using System.CommandLine.Parsing;
using PromptToPrompt.Diffusion.Pipelines;

namespace PromptToPrompt.Cli.Runs;

/// <summary>
/// Notes on sampling options that have no effect on a run. They are not refused: shown commands and scripts give them for every method and model alike. An option
/// that has no effect without another one is an error.
/// </summary>
internal static class UnusedOptions
{
    /// <summary>The notes that hold for all of some requests.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="model">The model.</param>
    /// <param name="requests">The requests, at least one.</param>
    public static IReadOnlyList<string> OfAll(ParseResult parse, StableDiffusionModel model, IEnumerable<ImageRequest> requests) =>
        [.. requests.Select(request => Of(parse, model, request)).Aggregate((notes, others) => notes.Intersect(others))];

    private static IEnumerable<string> Of(ParseResult parse, StableDiffusionModel model, ImageRequest request)
    {
        var (sampling, method) = (request.Sampling, request.Edit.Method);
        var isEdit = request.Edit.Prompts.Count > 0;
        if (IsGiven("--guidance") && isEdit && !method.UsesGuidance)
            yield return $"--guidance has no effect: the editing method {method.Name} does not use it";
        var reason = model.Denoiser.TakesGuidance ? "this model has guidance as an input" : sampling.Guidance == 1 ? "guidance 1 turns guidance off" : null;
        if (reason is not null && !(isEdit && !method.UsesGuidance))
        {
            if (IsGiven("--negative") && sampling.Negative.Length > 0)
                yield return $"--negative has no effect: {reason}";
            if (IsGiven("--guidance-rescale") && sampling.GuidanceRescale != 0)
                yield return $"--guidance-rescale has no effect: {reason}";
        }

        if (IsGiven("--size") && request.Source.InitialLatents is not null)
            yield return "--size has no effect: the image has the size of the initial latents";
        if (model.Shape.UNet.Vector is null)
        {
            foreach (var option in new[] { "--original-size", "--crop", "--target-size" }.Where(IsGiven))
                yield return $"{option} has no effect: only SDXL models read it";
        }

        bool IsGiven(string option) => parse.GetResult(option) is OptionResult { Implicit: false };
    }
}
