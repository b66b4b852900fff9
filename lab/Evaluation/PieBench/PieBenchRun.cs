using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;

namespace PromptToPrompt.Evaluation.PieBench;

/// <summary>An item that a method could not edit.</summary>
internal sealed record PieBenchFailure(string Method, string Id, string Problem);

/// <summary>
/// Edits the images of a data set with several methods, into a folder for each method whose paths are those of the data set. An image that is there is kept,
/// so a stopped run resumes.
/// </summary>
/// <param name="data">The data set.</param>
/// <param name="methods">The methods.</param>
/// <param name="folder">The folder for their folders.</param>
internal sealed class PieBenchRun(PieBenchData data, IReadOnlyList<PieBenchMethod> methods, string folder)
{
    /// <summary>Number of edits, done and missing.</summary>
    public int Count => data.Items.Count * methods.Count;

    /// <summary>Path of an edit.</summary>
    public string PathOf(PieBenchMethod method, PieBenchItem item) => Path.Combine(folder, method.Name, Path.ChangeExtension(item.ImagePath, ".png"));

    /// <summary>Makes the missing edits. Each image is inverted once by each method of inversion, and its source runs once.</summary>
    /// <param name="model">The model.</param>
    /// <param name="sampling">Steps, guidance and seed.</param>
    /// <param name="progress">Receives the number of edits that are done.</param>
    /// <param name="cancellationToken">Stops before the next step.</param>
    /// <returns>The items that could not be edited. They are tried again by another run.</returns>
    public IReadOnlyList<PieBenchFailure> Edit(StableDiffusionModel model, SamplingSettings sampling, Action<int> progress, CancellationToken cancellationToken)
    {
        var failures = new List<PieBenchFailure>();
        var done = 0;
        foreach (var item in data.Items)
        {
            foreach (var inversion in methods.GroupBy(method => method.Inversion))
            {
                var missing = inversion.Where(method => !File.Exists(PathOf(method, item))).ToList();
                if (missing.Count > 0)
                    failures.AddRange(Edit(model, item, new() { Prompt = item.SourcePrompt, Method = inversion.Key, Sampling = sampling }, missing, cancellationToken));
                done += inversion.Count();
                progress(done);
            }
        }

        return failures;
    }

    private IEnumerable<PieBenchFailure> Edit(
        StableDiffusionModel model, PieBenchItem item, InversionSettings settings, IReadOnlyList<PieBenchMethod> missing, CancellationToken cancellationToken)
    {
        using var latents = model.Vae.EncodeImage(data.Load(item, model).Image, model.Device);
        using var inverted = InversionMethod.Invert(model, latents, settings, cancellationToken: cancellationToken);
        using var session = new EditSession(model, GenerationRequest.Of(inverted), model.Dtype, long.MaxValue);
        session.RunSource(cancellationToken: cancellationToken).Dispose();
        foreach (var method in missing)
        {
            if (Edit(method) is { } problem)
                yield return new(method.Name, item.Id, problem);
        }

        string? Edit(PieBenchMethod method)
        {
            try
            {
                using var edited = session.Edit(method.Request(item), cancellationToken: cancellationToken);
                Directory.CreateDirectory(Path.GetDirectoryName(PathOf(method, item))!);
                edited.Images[0].SavePng(PathOf(method, item));
                return null;
            }
            catch (InvalidInputException e)
            {
                // Blended words that the prompts do not contain, for example.
                return e.Message;
            }
        }
    }
}
