using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Methods;
using PromptToPrompt.Editing.Prompts;
using static PromptToPrompt.Diffusion.InvalidInputException;

namespace PromptToPrompt.Editing.Pipelines;

/// <summary>The part of a run that depends only on its words and numbers; checked and computed before the model runs.</summary>
internal sealed class EditWords
{
    /// <summary>Checks and computes the words of a run.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="source">The source.</param>
    /// <param name="edit">Its edit.</param>
    /// <param name="inversion">How the source will be inverted; null if it is inverted already, or made from noise.</param>
    public EditWords(ClipTokenizer tokenizer, GenerationRequest source, EditRequest edit, InversionSettings? inversion = null)
        : this(tokenizer, source.Prompt, Validated(source, edit, inversion), edit)
    {
    }

    private EditWords(ClipTokenizer tokenizer, string source, SamplingSettings sampling, EditRequest edit)
    {
        var prompt = PromptReading.Read(tokenizer, source, sampling.Chunks);
        Negative = PromptReading.Read(tokenizer, sampling.Negative, sampling.Chunks);
        var targets = edit.Prompts.Select(WeightedPrompt.Parse).Select(target => (
            tokenizer.TokenizeChunks(target.Text, sampling.Chunks),
            edit with { Weights = [.. edit.Weights, .. target.Weights], Alignment = sampling.Chunks > 1 ? edit.Alignment : edit.Method.Alignment ?? edit.Alignment }));
        var schedules = EditSchedule.CreateAll(prompt, [.. targets], sampling.Steps);
        // A target's emphasis comes from the source through the alignment.
        Prompts = [prompt, .. schedules.Select(target => target.Alignment.Target with { Emphasis = target.Alignment.Emphasis() })];
        Alignments = [.. schedules.Select(schedule => schedule.Alignment)];
        Edits = [null, .. schedules.Select(schedule => edit.Method is PromptToPromptMethod ? schedule : null)];
        List<(EditConcept, TokenizedPrompt)>?[] concepts = [.. Prompts.Skip(1).Select(target => edit.Method.ConceptsOf(prompt, target)?.Select(Read).ToList())];
        Concepts = concepts.Length == 0 || concepts[0] is null ? null : [[], .. concepts!];
        Method = edit.Method.Words?.Find(Prompts, nameof(MasaCtrl.Subject));
        Blend = edit.Blend?.Find(Prompts, nameof(EditRequest.Blend));
        BlendSubtract = edit.BlendSubtract?.Find(Prompts, nameof(EditRequest.BlendSubtract));

        (EditConcept, TokenizedPrompt) Read(EditConcept concept)
        {
            var words = tokenizer.TokenizeChunks(concept.Text, sampling.Chunks);
            Require(words.Words.Count > 0, nameof(LeditsPlusPlus.Concepts), $"\"{concept.Text}\" has no word that the model reads.", "Name the thing to add or remove.");
            return (concept, words);
        }
    }

    /// <summary>Requires that the words which an edit names are in its prompts, and that the prompts can be aligned. Other settings are not checked.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="source">The source prompt.</param>
    /// <param name="edit">The edit.</param>
    /// <param name="chunks">Number of chunks that the text encoder reads from each prompt.</param>
    /// <exception cref="Diffusion.InvalidInputException">A word is missing, or the alignment does not fit the prompts.</exception>
    public static void RequireWords(ClipTokenizer tokenizer, string source, EditRequest edit, int chunks) =>
        _ = new EditWords(tokenizer, source, new SamplingSettings { Steps = 1, Chunks = chunks }, edit);

    /// <summary>The source prompt, then the targets.</summary>
    public IReadOnlyList<TokenizedPrompt> Prompts { get; }

    /// <summary>The negative prompt.</summary>
    public TokenizedPrompt Negative { get; }

    /// <summary>The edit of each prompt, null for the source and for methods other than Prompt-to-Prompt.</summary>
    public IReadOnlyList<EditSchedule?> Edits { get; }

    /// <summary>The concepts of each prompt, none for the source, with their tokens; null for methods without concepts.</summary>
    public IReadOnlyList<IReadOnlyList<(EditConcept Concept, TokenizedPrompt Words)>>? Concepts { get; }

    /// <summary>The alignment of each edit with the source.</summary>
    public IReadOnlyList<TokenAlignment> Alignments { get; }

    /// <summary>Token positions of the method's words in each prompt.</summary>
    public IReadOnlyList<IReadOnlyList<int>>? Method { get; }

    /// <summary>Token positions of the blend words in each prompt.</summary>
    public IReadOnlyList<IReadOnlyList<int>>? Blend { get; }

    /// <summary>Token positions of the subtracted words in each prompt.</summary>
    public IReadOnlyList<IReadOnlyList<int>>? BlendSubtract { get; }

    /// <summary>Rejects, before an image is inverted, settings that the inversion cannot support.</summary>
    /// <param name="source">The source.</param>
    /// <param name="edit">Its edit.</param>
    /// <param name="settings">How the image will be inverted.</param>
    public static void RequireFits(GenerationRequest source, EditRequest edit, InversionSettings settings)
    {
        var (sampling, inverted) = (source.Sampling, settings.Sampling);
        RequireSame(nameof(SamplingSettings.Steps), sampling.Steps, inverted.Steps);
        RequireSame(nameof(SamplingSettings.Chunks), sampling.Chunks, inverted.Chunks);
        RequireSame(nameof(SamplingSettings.ClipSkip), sampling.ClipSkip, inverted.ClipSkip);
        Require(source.Prompt == settings.Prompt, $"The image was inverted as \"{settings.Prompt}\". Use that source prompt, or invert it again.");
        Require(sampling.Scheduler is null or SchedulerKind.Ddim, nameof(SamplingSettings.Scheduler), "Real images are edited with ddim.", "Leave the scheduler out.");
        Require(
            sampling.TimestepSpacing == inverted.TimestepSpacing, nameof(SamplingSettings.TimestepSpacing), "A real image is edited at the timesteps of its inversion.",
            "Leave this setting out.");
        RequireUnset(edit.EditSeed is null || Math.Max(settings.FirstStep, edit.Method.FirstStep(sampling.Steps)) == 0, nameof(EditRequest.EditSeed), "With skipped steps, edits start from latents of the image.");
        RequireUnset(!edit.SelfUnconditional, nameof(EditRequest.SelfUnconditional), "An image with a known trajectory has no unconditional row of its own.");
        RequireUnset(source.InitialLatents is null, nameof(GenerationRequest.InitialLatents), "An image with a known trajectory starts from its own noise.");
        RequireUnset(sampling.OriginalSize == inverted.OriginalSize, nameof(SamplingSettings.OriginalSize), "The image keeps its own size conditioning.");
        RequireUnset(sampling.TargetSize == inverted.TargetSize, nameof(SamplingSettings.TargetSize), "The image keeps its own size conditioning.");
        RequireUnset(sampling.Crop == inverted.Crop, nameof(SamplingSettings.Crop), "The image keeps its own size conditioning.");
        Require(
            sampling.Negative.Length == 0 || !settings.Method.ReplacesUnconditional,
            nameof(SamplingSettings.Negative),
            $"The method {settings.Method.Name} has its own embedding in place of the negative prompt.",
            "Leave the negative prompt out, or use the method direct.");
    }

    private static SamplingSettings Validated(GenerationRequest source, EditRequest edit, InversionSettings? inversion)
    {
        Validate(source, edit);
        if (edit.Prompts.Count > 0)
            edit.Method.Validate(source.Sampling, source.Inverted?.Settings ?? inversion);
        return source.Sampling;
    }

    private static void Validate(GenerationRequest source, EditRequest edit)
    {
        source.Sampling.Validate();
        edit.Validate();
        if (source.Inverted is not { } inverted)
            return;
        Require(
            edit.Prompts.Count == 0 || edit.Method is not LeditsPlusPlus || !inverted.IsEdit, "Method", $"{edit.Method.Name} retraces the image that was inverted, and this is an edit of it.",
            "Edit the image itself with all concepts, or use another editing method.");
        Require(
            edit.Prompts.Count == 0 || edit.Method is not LeditsPlusPlus || inverted.Unconditional is null, "Method", $"{edit.Method.Name} compares with the empty prompt, and this image has another text in its place.",
            "Invert the image again, or use another editing method.");
        Require(inverted.IsComplete, $"The inversion stopped after {inverted.FinishedSteps} of {inverted.Settings.Sampling.Steps} steps. Resume it first.");
        RequireFits(source, edit, inverted.Settings);
        Require(
            source.Sampling.Negative.Length == 0 || inverted.Unconditional is null,
            nameof(SamplingSettings.Negative),
            "The inverted image has its own unconditional embedding.",
            "Leave the negative prompt out.");
    }

    private static void RequireSame(string setting, int given, int inverted) => Require(
        given == inverted, setting, $"{given} differs from the image's inversion, which has {inverted}.", "Leave it out, or invert the image again.");

    private static void RequireUnset(bool isUnset, string setting, string why) => Require(isUnset, setting, why, "Leave this setting out.");
}
