using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;

namespace PromptToPrompt.Evaluation.PieBench;

/// <summary>An item that a method could not edit as it should.</summary>
/// <param name="Method">The method's name.</param>
/// <param name="Id">Identifier of the item.</param>
/// <param name="Problem">The reason.</param>
internal sealed record PieBenchProblem(string Method, string Id, string Problem);

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

    /// <summary>
    /// The items whose prompts do not contain the words to blend. As in the published evaluation, the source stands for their edit.
    /// </summary>
    public IEnumerable<PieBenchProblem> WithoutTheirWords(ClipTokenizer tokenizer) =>
        from item in data.Items
        from method in methods
        let problem = ProblemOf(method, item, tokenizer)
        where problem is not null
        select new PieBenchProblem(method.Name, item.Id, problem);

    /// <summary>Makes the missing edits. Each image is inverted once by each method of inversion, and its source runs once.</summary>
    /// <param name="model">The model.</param>
    /// <param name="sampling">Steps, guidance and seed.</param>
    /// <param name="progress">Receives the number of edits that are done.</param>
    /// <param name="cancellationToken">Stops before the next step.</param>
    /// <returns>The items whose image cannot be read or inverted. Another run tries them again.</returns>
    public IReadOnlyList<PieBenchProblem> Edit(StableDiffusionModel model, SamplingSettings sampling, Action<int> progress, CancellationToken cancellationToken)
    {
        var failures = new List<PieBenchProblem>();
        var left = (
            from item in data.Items
            from method in methods
            where !File.Exists(PathOf(method, item))
            group method by (Item: item, method.Inversion, Prompt: method.SourcePrompt(item))).ToList();
        // Earlier edits first: the time left follows from the others.
        var done = Count - left.Sum(missing => missing.Count());
        progress(done);
        foreach (var missing in left)
        {
            var (item, inversion, prompt) = missing.Key;
            try
            {
                Edit(model, item, new() { Prompt = prompt, Method = inversion, Sampling = sampling }, [.. missing], cancellationToken);
            }
            catch (InvalidInputException e)
            {
                failures.AddRange(missing.Select(method => new PieBenchProblem(method.Name, item.Id, e.Message)));
            }

            done += missing.Count();
            progress(done);
        }

        return failures;
    }

    private void Edit(StableDiffusionModel model, PieBenchItem item, InversionSettings settings, IReadOnlyList<PieBenchMethod> missing, CancellationToken cancellationToken)
    {
        using var latents = model.Vae.EncodeImage(data.Load(item, model).Image, model.Device);
        using var inverted = InversionMethod.Invert(model, latents, settings, cancellationToken: cancellationToken);
        using var session = new EditSession(model, GenerationRequest.Of(inverted), model.Dtype, long.MaxValue);
        var edits = missing.Select(method => (Method: method, IsPossible: ProblemOf(method, item, model.Tokenizer) is null)).ToList();
        using var source = edits.Any(edit => !edit.IsPossible || session.NeedsSource(edit.Method.Request(item))) ? session.RunSource(cancellationToken: cancellationToken) : null;
        foreach (var (method, isPossible) in edits)
        {
            using var edited = isPossible ? session.Edit(method.Request(item), cancellationToken: cancellationToken) : null;
            Directory.CreateDirectory(Path.GetDirectoryName(PathOf(method, item))!);
            (edited ?? source!).Images[0].SavePng(PathOf(method, item));
        }
    }

    private static string? ProblemOf(PieBenchMethod method, PieBenchItem item, ClipTokenizer tokenizer)
    {
        try
        {
            _ = new EditWords(tokenizer, new GenerationRequest { Prompt = method.SourcePrompt(item) }, method.Request(item), method.Inversion);
            return null;
        }
        catch (InvalidInputException e)
        {
            return e.Message;
        }
    }
}
